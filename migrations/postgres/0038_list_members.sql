-- How many are on a list, kept as people come and go: counting a list of millions takes longer than the page that shows it may.
ALTER TABLE contact_list ADD COLUMN members BIGINT NOT NULL DEFAULT 0;
UPDATE contact_list SET members = (SELECT COUNT(*) FROM list_member m WHERE m.list_id = contact_list.id);
-- Triggers: a dozen statements put people on lists and take them off, and none of them may forget.
CREATE FUNCTION list_member_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE contact_list l SET members = l.members + c.n FROM (SELECT list_id, COUNT(*) AS n FROM changed GROUP BY list_id) c WHERE l.id = c.list_id;
    RETURN NULL;
END $$;
CREATE FUNCTION list_member_removed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE contact_list l SET members = l.members - c.n FROM (SELECT list_id, COUNT(*) AS n FROM changed GROUP BY list_id) c WHERE l.id = c.list_id;
    RETURN NULL;
END $$;
CREATE TRIGGER list_member_added AFTER INSERT ON list_member REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION list_member_added();
CREATE TRIGGER list_member_removed AFTER DELETE ON list_member REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION list_member_removed();
