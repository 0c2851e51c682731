"""Operations on the ledger and on the oracle at the same time, a class per subject."""
