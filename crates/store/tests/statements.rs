//! Every statement in the sources is prepared on SQLite, and on PostgreSQL when `CLARION_TEST_POSTGRES` names one;
//! `./test` always names one. The number of parameters must agree.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use clarion_store::db::{Db, Statement, Value};

/// The literals of each `sql!(…)` below `folder`, with the file they stand in.
fn statements(folder: &Path, found: &mut Vec<(String, &'static Statement)>) {
    for entry in std::fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            statements(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("db/statement.rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let calls = text.match_indices("sql!(").filter(|(place, _)| !text[..*place].rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with("//")));
            for (place, _) in calls {
                let source = text[place + 5..].trim_start();
                let line = text[..place].lines().count();
                assert!(source.starts_with('"'), "{}:{line}: a sql!( without its literal in place", path.display());
                let (first, second) = texts(source, &text);
                let statement = Box::leak(Box::new(Statement { text: first.leak(), postgres: second.leak() }));
                found.push((format!("{}:{line}", path.display()), statement));
            }
        }
    }
}

/// What `sql!(` is given, from its first literal on: the text with the rules that it shares with others of its file, and the one for PostgreSQL.
fn texts(source: &str, file: &str) -> (String, String) {
    let (mut text, mut rest) = literal(source);
    while let Some(more) = rest.trim_start().strip_prefix("+ ") {
        let (rule, after) = more.split_once('+').expect("a literal behind a rule");
        let made = file.split_once(&format!("macro_rules! {} {{", rule.trim())).expect("a rule of this file").1;
        text.push_str(&literal(&made[made.find('"').expect("its literal")..]).0);
        let (tail, after) = literal(after.trim_start());
        text.push_str(&tail);
        rest = after;
    }
    let second = rest.trim_start().strip_prefix(',').map(str::trim_start).and_then(|rest| rest.strip_prefix("postgres "));
    (text, second.map_or(String::new(), |rest| literal(rest).0))
}

/// A plain Rust string literal at the start of `source`: its value, and what follows it.
fn literal(source: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = source.char_indices().skip(1);
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return (value, &source[place + 1..]),
            '\\' => match letters.next() {
                Some((_, '\n')) => {
                    let rest = source[place + 2..].trim_start();
                    let (tail, after) = literal_rest(rest);
                    value.push_str(&tail);
                    return (value, after);
                }
                Some((_, other)) => value.push(other),
                None => break,
            },
            other => value.push(other),
        }
    }
    panic!("a literal without its end")
}

fn literal_rest(source: &str) -> (String, &str) {
    let end = source.find('"').expect("the literal's end");
    (source[..end].replace("\\\n", " "), &source[end + 1..])
}

fn statements_below(folder: &str) -> Vec<(String, &'static Statement)> {
    let mut found = Vec::new();
    statements(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    found
}

/// An empty database of SQLite, and the folder in which it lives.
async fn migrated() -> (Db, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = Db::open_sqlite(&folder.path().join("clarion.db")).await.expect("opens");
    sqlite.migrate().await.expect("migrates");
    (sqlite, folder)
}

/// The rows of SQLite's plan for a statement: identifier, parent and detail.
async fn plan(sqlite: &Db, place: &str, statement: &Statement) -> Vec<(i64, i64, String)> {
    let highest = (1..40).rev().find(|n| statement.text.contains(&format!("${n}"))).unwrap_or(0);
    let explained: &'static Statement = Box::leak(Box::new(Statement { text: format!("EXPLAIN QUERY PLAN {}", statement.text).leak(), postgres: "" }));
    let rows = sqlite.query(explained, &vec![Value::Int(0); highest]).await.unwrap_or_else(|error| panic!("{place}: {error}"));
    rows.into_iter().map(|mut row| (row.take(0).expect("an id"), row.take(1).expect("a parent"), row.take(3).expect("a detail"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares_on_both_engines() {
    let found = statements_below("src");
    assert!(found.len() > 5, "the sources hold statements: {}", found.len());
    let (sqlite, _folder) = migrated().await;
    let postgres = match std::env::var("CLARION_TEST_POSTGRES") {
        Ok(url) => {
            let db = clarion_store::db::scratch_postgres(&url, "statements").await.expect("a scratch database");
            db.migrate().await.expect("migrates");
            Some(db)
        }
        Err(_) => None,
    };
    let mut faults = Vec::new();
    for (place, statement) in &found {
        let on_sqlite = sqlite.prepare(statement).await;
        if let Err(error) = &on_sqlite {
            faults.push(format!("{place} on SQLite: {error}"));
        }
        if let Some(postgres) = &postgres {
            match postgres.prepare(statement).await {
                Err(error) => faults.push(format!("{place} on PostgreSQL: {error}")),
                Ok(kinds) => {
                    if statement.postgres.is_empty() && on_sqlite.is_ok_and(|list| list.len() != kinds.len()) {
                        faults.push(format!("{place}: another number of parameters"));
                    }
                    if let Some(odd) = kinds.iter().find(|kind| !["int8", "text", "bytea"].contains(&kind.as_str())) {
                        faults.push(format!("{place}: PostgreSQL takes a parameter for {odd}: cast it to BIGINT or TEXT"));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The tables of a statement, by the names that they go by in it.
fn tables(text: &str) -> HashMap<String, String> {
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || matches!(letter, '(' | ')' | ',')).filter(|word| !word.is_empty()).collect();
    let mut names = HashMap::new();
    for (place, word) in words.iter().enumerate() {
        if !matches!(*word, "FROM" | "JOIN" | "UPDATE" | "INTO") {
            continue;
        }
        let Some(table) = words.get(place + 1).filter(|table| is_name(table)) else { continue };
        names.insert((*table).to_owned(), (*table).to_owned());
        if let Some(name) = words.get(place + 2).filter(|name| is_name(name)) {
            names.insert((*name).to_owned(), (*table).to_owned());
        }
    }
    names
}

/// Our names are in small letters, and SQL's words in capitals.
fn is_name(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[test]
fn tables_are_known_by_every_name_they_go_by() {
    let names = tables("DELETE FROM due WHERE x IN (SELECT e.x FROM campaign c JOIN due e ON e.campaign_id = c.id) AND EXISTS (SELECT 1 FROM attempt t)");
    let known = |name: &str| names.get(name).map(String::as_str);
    assert_eq!(["due", "e", "c", "t", "d"].map(known), [Some("due"), Some("due"), Some("campaign"), Some("attempt"), None]);
}

/// SQLite has no counts of rows to choose an index by, and would walk all that a campaign has tried, or all who are due in it, for one person.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_one_person_is_found_by_an_index_that_leads_to_them() {
    let found = statements_below("src");
    let (sqlite, _folder) = migrated().await;
    let names_somebody = |text: &str| text.contains("position = ") && (text.contains("due ") || text.contains("attempt "));
    let (mut looked_at, mut faults) = (0, Vec::new());
    for (place, statement) in found.iter().filter(|(_, statement)| names_somebody(statement.text)) {
        let (mut inner, names) = (HashSet::new(), tables(statement.text));
        for (id, parent, detail) in plan(&sqlite, place, statement).await {
            if detail.starts_with("CORRELATED") {
                inner.insert(id);
            }
            let whole_campaign = detail.strip_prefix("SEARCH ").and_then(|rest| rest.split_once(" USING PRIMARY KEY (campaign_id=?)"));
            let table = whole_campaign.map(|(name, _)| names.get(name).unwrap_or_else(|| panic!("{place}: which table is {name}?")).as_str());
            let due_by_campaign = table == Some("due");
            let tries_by_campaign = inner.contains(&parent) && detail.contains("INDEX attempt_campaign ");
            if due_by_campaign || tries_by_campaign {
                faults.push(format!("{place}: {detail}"));
            }
        }
        looked_at += 1;
    }
    assert!(looked_at > 10, "{looked_at}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The figures of a page cost what their span holds, and those of a campaign what it has itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_reads_its_span_alone() {
    let found = statements_below("src/reports");
    let (sqlite, _folder) = migrated().await;
    let (mut of_all, mut of_one) = (0, 0);
    for (place, statement) in found.iter().filter(|(_, statement)| statement.text.contains("FROM measure")) {
        let by = match statement.text.contains("WHERE campaign_id IN") {
            true => (&mut of_one, "SEARCH measure USING INDEX sqlite_autoindex_measure_1 (campaign_id=? AND hour>? AND hour<?)"),
            false => (&mut of_all, "SEARCH measure USING INDEX measure_tenant (tenant_id=? AND hour>? AND hour<?)"),
        };
        let plan: Vec<String> = plan(&sqlite, place, statement).await.into_iter().map(|(.., detail)| detail).collect();
        assert_eq!(plan.iter().filter(|detail| detail.contains(" measure")).collect::<Vec<_>>(), [by.1], "{place}: {plan:?}");
        *by.0 += 1;
    }
    assert!(of_all >= 5 && of_one >= 3, "{of_all} of all, {of_one} of one");
}

/// What an `UPDATE` assigns: the table and the columns, or nothing where it is none.
fn assigned(text: &str) -> Option<(&str, Vec<&str>)> {
    let (head, rest) = text.trim_start().strip_prefix("UPDATE ")?.split_once(" SET ")?;
    let end = [" WHERE ", " FROM ", " RETURNING "].iter().filter_map(|word| rest.find(word)).min().unwrap_or(rest.len());
    let mut sides: Vec<&str> = rest[..end].split(" = ").collect();
    // What stands behind the last sign is a value.
    sides.pop();
    let columns = sides.into_iter().filter_map(|side| side.rsplit([' ', ',', '(']).next()).filter(|name| is_name(name) && !name.is_empty()).collect();
    Some((head.split(' ').next()?, columns))
}

#[test]
fn what_an_update_assigns_is_read_off() {
    assert_eq!(assigned("UPDATE tenant SET id = id, name = COALESCE(name, $2) WHERE id = $1"), Some(("tenant", vec!["id", "name"])));
    assert_eq!(assigned("UPDATE contact SET import_id = id"), Some(("contact", vec!["import_id"])));
    assert_eq!(assigned("SELECT 1"), None);
}

/// SQLite looks through every row that refers to a key that is set, even where it is set to what it was: to hold a tenant's row in that way went
/// through all its people, for every chunk of an import.
#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_set_that_other_rows_refer_to() {
    let found = statements_below("src");
    let (sqlite, _folder) = migrated().await;
    static KEYS: Statement = Statement {
        text: "SELECT DISTINCT f.\"table\", COALESCE(f.\"to\", 'id') FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        postgres: "",
    };
    let mut keys: HashSet<(String, String)> = HashSet::new();
    for mut row in sqlite.query(&KEYS, &Vec::new()).await.expect("the keys") {
        keys.insert((row.take(0).expect("a table"), row.take(1).expect("a column")));
    }
    assert!(keys.contains(&("tenant".to_owned(), "id".to_owned())) && keys.len() > 5, "{keys:?}");
    let (mut looked_at, mut faults) = (0, Vec::new());
    for (place, statement) in &found {
        let Some((table, columns)) = assigned(statement.text) else { continue };
        looked_at += 1;
        faults.extend(columns.iter().filter(|column| keys.contains(&(table.to_owned(), (**column).to_owned()))).map(|column| format!("{place}: {table}.{column}")));
    }
    assert!(looked_at > 100, "{looked_at}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A plan that walks all that a tenant has.
fn walks_a_tenant(detail: &str) -> bool {
    let Some((_, index)) = detail.split_once("INDEX ") else { return false };
    let Some((name, condition)) = index.split_once(" (") else { return false };
    let alone = matches!(condition.split(')').next(), Some("tenant_id=?" | "tenant_id=? AND number_index>?" | "tenant_id=? AND id>?" | "tenant_id=? AND id<?"));
    // Few rows, asked of when somebody uses a right of theirs; and the audit, whose events name their objects in words.
    let is_for_a_right = ["subject_request_tenant", "export_file_tenant", "audit_event_tenant"].contains(&name);
    alone && (name.ends_with("_tenant") || name == "address_number") && !is_for_a_right
}

/// Where two indexes look alike to it, SQLite, which has no counts of rows, takes the tenant's instead of the one that leads to the person: a STOP
/// then went through every consent that the tenant has. A plus before `tenant_id` leaves it the other one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_one_person_or_number_does_not_walk_the_tenant() {
    let found = statements_below("src");
    let (sqlite, _folder) = migrated().await;
    let names_somebody = |text: &str| ["contact_id = $", "number_index = $"].iter().any(|condition| text.contains(condition));
    let (mut looked_at, mut faults) = (0, Vec::new());
    for (place, statement) in found.iter().filter(|(_, statement)| names_somebody(statement.text) && !statement.text.starts_with("INSERT")) {
        let plan = plan(&sqlite, place, statement).await;
        faults.extend(plan.iter().filter(|(.., detail)| walks_a_tenant(detail)).map(|(.., detail)| format!("{place}: {detail}")));
        looked_at += 1;
    }
    assert!(looked_at > 60, "{looked_at}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is asked each second, or for every page, by a partial index made for it: SQLite takes one only where the statement repeats its words.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_found_without_what_is_done() {
    let found = statements_below("src");
    let (sqlite, _folder) = migrated().await;
    let polls = [
        ("FROM notice WHERE state IN ('waiting', 'claimed') AND state = 'waiting'", "notice_waiting"),
        ("UPDATE notice SET state = 'unknown'", "notice_waiting"),
        ("SELECT tenant_id, id FROM campaign WHERE state IN ('scheduled', 'starting', 'running') AND state = 'running'", "campaign_working"),
        ("SELECT tenant_id, id, sequence FROM campaign WHERE", "campaign_working"),
        ("SELECT id, tenant_id, state FROM import WHERE state IN", "import_waiting"),
        ("FROM sftp_file WHERE filed_as IS NULL AND held = 0", "sftp_file_open"),
        ("SELECT COUNT(*) FROM reply WHERE tenant_id = $1 AND state <> 'closed'", "reply_open"),
        ("a.tail_index IS NULL AND a.number_index IS NOT NULL ORDER BY", "address_untailed"),
        ("head_index IS NULL AND reference_index IS NOT NULL ORDER BY", "contact_unheaded"),
        ("JOIN campaign p ON p.list_id = m.list_id", "campaign_list"),
        ("FROM hold WHERE tenant_id = $1 AND lifted_at IS NULL LIMIT 1", "hold_open"),
        ("FROM preference WHERE tenant_id = $1 LIMIT 1", "preference_tenant"),
        ("kind = 'test_call' ORDER BY id DESC LIMIT 1", "notice_test_call"),
        ("FROM call c WHERE c.tenant_id = $1 AND c.attempt_id > $2", "call_tenant"),
        ("DELETE FROM idempotency_key WHERE created_at", "idempotency_key_created"),
        ("FROM suppression WHERE tenant_id = $1 AND reason = 'erased' LIMIT 1", "suppression_erased"),
        ("FROM attempt t WHERE t.campaign_id = $1 AND t.id > $2 AND t.disposition = $3 ORDER BY t.id", "attempt_campaign (campaign_id=? AND id>?)"),
    ];
    for (words, index) in polls {
        let all: Vec<_> = found.iter().filter(|(_, statement)| statement.text.split_whitespace().collect::<Vec<_>>().join(" ").contains(words)).collect();
        assert!(!all.is_empty(), "no statement holds: {words}");
        for (place, statement) in all {
            let plan: Vec<String> = plan(&sqlite, place, statement).await.into_iter().map(|(.., detail)| detail).collect();
            assert!(plan.iter().any(|detail| detail.contains(&format!("INDEX {index}"))), "{place}: {plan:?}");
        }
    }
}
