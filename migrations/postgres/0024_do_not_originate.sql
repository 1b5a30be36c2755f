CREATE TABLE do_not_originate (
    first_number TEXT NOT NULL,
    last_number TEXT NOT NULL,
    source TEXT NOT NULL,
    loaded_at BIGINT NOT NULL,
    PRIMARY KEY (first_number, last_number)
);
ALTER TABLE sender ADD COLUMN is_do_not_originate BIGINT NOT NULL DEFAULT 0;
