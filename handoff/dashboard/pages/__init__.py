"""The pages: what each reads, and gives to its template."""
