"""The small texts that Redis keeps: each is written and read here alone, by Python and by Lua side by side."""
