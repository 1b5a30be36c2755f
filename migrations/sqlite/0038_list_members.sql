-- How many are on a list, kept as people come and go: counting a list of millions takes longer than the page that shows it may.
-- Triggers: a dozen statements put people on lists and take them off, and none of them may forget.
ALTER TABLE contact_list ADD COLUMN members INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER list_member_added AFTER INSERT ON list_member BEGIN
    UPDATE contact_list SET members = members + 1 WHERE id = NEW.list_id;
END;
CREATE TRIGGER list_member_removed AFTER DELETE ON list_member BEGIN
    UPDATE contact_list SET members = members - 1 WHERE id = OLD.list_id;
END;
UPDATE contact_list SET members = (SELECT COUNT(*) FROM list_member m WHERE m.list_id = contact_list.id);
