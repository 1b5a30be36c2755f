CREATE TABLE do_not_originate (
    first_number TEXT NOT NULL,
    last_number TEXT NOT NULL,
    source TEXT NOT NULL,
    loaded_at INTEGER NOT NULL,
    PRIMARY KEY (first_number, last_number)
) STRICT;
ALTER TABLE sender ADD COLUMN is_do_not_originate INTEGER NOT NULL DEFAULT 0;
