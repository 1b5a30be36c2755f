-- How many are on a list, kept as people come and go: counting a list of millions takes longer than the page that shows it may.
-- Triggers: a dozen statements put people on lists and take them off, and none of them may forget.
-- Both tables are held until the commit, for nodes of the version before go on writing: whoever was putting people on a list or taking them off is waited
-- for, so that the count sees all that they did, and whoever comes later finds the triggers. But no order of the two is safe to wait in. An import has
-- list_member when its foreign keys ask for contact_list; whoever puts one person on a list has read contact_list when they ask for list_member. So
-- this waits for list_member alone, holding neither; where contact_list is not free at that moment, list_member is let go again (a lock goes with the
-- block that failed), those who wait for it end, and it tries anew. Behind both locks nothing is left for which it could wait: whoever had a row of either had its table.
DO $$ BEGIN
    LOOP
        BEGIN
            LOCK TABLE list_member IN SHARE ROW EXCLUSIVE MODE;
            LOCK TABLE contact_list IN ACCESS EXCLUSIVE MODE NOWAIT;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05);
        END;
    END LOOP;
END $$;
ALTER TABLE contact_list ADD COLUMN members BIGINT NOT NULL DEFAULT 0;
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
UPDATE contact_list SET members = (SELECT COUNT(*) FROM list_member m WHERE m.list_id = contact_list.id);
