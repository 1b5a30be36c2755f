//! Campaigns of several steps over the API: written and read back, refused where they cannot be, counted, and stopped by reference.

use clarion_domain::campaigns::campaign::Channel;
use serde_json::{Value, json};

use crate::people::{person, route};
use crate::support::{World, world};

async fn whole(world: &World) -> Value {
    let list = world.ask("POST", "/lists", json!({"name": "Arrears"})).await.expect(201)["id"].clone();
    for last in 1..=2 {
        let contact = person(&world.tenant, last, "Ada").await.to_string();
        world.ask("POST", &format!("/lists/{}/add", list.as_str().expect("an id")), json!({"contact": contact})).await.expect(204);
    }
    world.ask("POST", "/senders", json!({"value": "Northwind", "takes_replies": false, "evidence": "registered mark"})).await.expect(200);
    route(&world.tenant, Channel::Sms).await;
    json!({"name": "November", "purpose": "reminder", "legal_basis": "contract", "list": list, "sender": "Northwind", "body": "Hello {first_name}, your payment is due. Northwind, 020 7946 0000",
        "then": [{"wait": {"days": 2}, "channel": "sms", "sender": "Northwind", "body": "Your payment is due. Northwind, 020 7946 0000"}],
        "stops": {"replies": "words", "words": ["PAID"], "put_through": false, "outcomes": ["invalid_number"], "after_refusal": "next_step"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_is_written_read_back_and_refused_where_it_cannot_be() {
    let world = world().await;
    let new = whole(&world).await;
    let made = world.ask("POST", "/campaigns", new.clone()).await.expect(201);
    let path = format!("/campaigns/{}", made["id"].as_str().expect("an id"));
    assert_eq!((&made["then"][0]["wait"], &made["step"], &made["sequence"]), (&json!({"days": 2, "hours": 0, "from": "last_try"}), &json!(1), &made["id"]));
    assert_eq!((&made["stops"], &made["evergreen"]), (&new["stops"], &Value::Null));
    assert_eq!(world.get(&format!("{path}/faults")).await.expect(200)["faults"], json!([]));
    let bad = |change: &dyn Fn(&mut Value)| {
        let mut other = new.clone();
        change(&mut other);
        other
    };
    for (change, field) in [
        (bad(&|new| new["then"][0]["wait"] = json!({"days": 91})), "then.wait"),
        (bad(&|new| new["then"][0]["script"] = json!("x")), "then"),
        (bad(&|new| new["then"] = json!(vec![new["then"][0].clone(); 10])), "then"),
        (bad(&|new| new["stops"]["words"] = json!(vec!["A"; 21])), "stops.words"),
    ] {
        assert_eq!(world.ask("PUT", &path, change).await.problem(422), [field]);
    }
    // A draft is kept unfinished, and says what it lacks.
    let unfit = bad(&|new| {
        new["then"][0]["sender"] = json!("");
        new["then"][0]["wait"] = json!({});
        new["stops"]["words"] = json!([]);
        new["evergreen"] = json!({"until": "2020-01-01T00:00:00Z", "new_a_day_max": null, "again_after_days": null});
    });
    world.ask("PUT", &path, unfit).await.expect(200);
    let faults = world.get(&format!("{path}/faults")).await.expect(200);
    let fields: Vec<&str> = faults["faults"].as_array().expect("faults").iter().filter_map(|fault| fault["field"].as_str()).collect();
    assert_eq!(fields, ["then", "stops", "evergreen", "then"], "{faults}");
    world.ask("POST", &format!("{path}/start"), Value::Null).await.problem(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_stopped_by_reference_once_and_counted() {
    let world = world().await;
    let made = world.ask("POST", "/campaigns", whole(&world).await).await.expect(201);
    let id: clarion_domain::id::CampaignId = made["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let path = format!("/campaigns/{id}");
    world.ask("POST", &format!("{path}/recipients/stop"), json!({"reason": "paid", "references": ["no such"]})).await.problem(409);
    world.ask("POST", &format!("{path}/start"), Value::Null).await.expect(200);
    world.tenant.freeze_chunk(id, None, crate::support::NOW).await.expect("freezes");
    let listed = world.get("/campaigns").await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "its later step is not listed");
    let steps = world.get(&format!("{path}/steps")).await.expect(200);
    assert_eq!((&steps["steps"][0]["standing"], &steps["steps"][1]["standing"], &steps["taken_in_today"]), (&json!(2), &json!(0), &Value::Null));
    let later = steps["steps"][1]["campaign"].as_str().expect("a step").to_owned();
    assert_eq!(world.get(&format!("/campaigns/{later}")).await.expect(200)["sequence"], made["id"]);
    world.ask("POST", &format!("/campaigns/{later}/pause"), Value::Null).await.problem(409);

    let stop = format!("{path}/recipients/stop");
    let who = world.tenant.recipients(id, clarion_store::campaigns::RecipientFilter::Every, None, 10).await.expect("reads").rows[0].contact_id.to_string();
    let told = json!({"reason": "paid", "contacts": [who], "references": ["no such"]});
    assert_eq!(world.ask("POST", &stop, told.clone()).await.expect(200), json!({"stopped": 1, "contacts": ["stopped"], "references": ["unknown"]}));
    assert_eq!(world.ask("POST", &stop, told.clone()).await.expect(200), json!({"stopped": 0, "contacts": ["over"], "references": ["unknown"]}));
    assert_eq!(world.get(&format!("{path}/steps")).await.expect(200)["ended"], json!([{"why": "told:paid", "people": 1}]));
    assert_eq!(world.get(&format!("/contacts/{who}/planned")).await.expect(200)["items"], json!([]));
    let timeline = world.get(&format!("/contacts/{who}/timeline")).await.expect(200);
    assert!(timeline["items"].as_array().expect("events").iter().any(|event| event["what"]["kind"] == "sequence_ended" && event["what"]["why"] == "told:paid"), "{timeline}");
    assert_eq!(world.ask("POST", &stop, json!({"reason": "Paid on 3 May", "references": ["x"]})).await.problem(422), ["reason"]);
    assert_eq!(world.ask("POST", &stop, json!({"reason": "paid"})).await.problem(422), ["references"]);
    assert_eq!(world.ask("POST", &stop, json!({"reason": "paid", "references": vec!["x"; 10_001]})).await.problem(422), ["references"]);
    let many: Vec<String> = (0..10_000).map(|n| format!("R-{n}")).collect();
    assert_eq!(world.ask("POST", &stop, json!({"reason": "paid", "references": many})).await.expect(200)["references"].as_array().map(Vec::len), Some(10_000));
}
