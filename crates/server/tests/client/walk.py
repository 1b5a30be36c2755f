"""A campaign from file to results, through a client that openapi-python-client made of the API's own document.

Arguments: address, key, sender. Prints the outcome as JSON; any difference ends with a traceback.
"""
import json
import sys
import time
import uuid
from io import BytesIO

from clarion_client import AuthenticatedClient
from clarion_client.api.campaigns import (
    get_campaigns,
    get_campaigns_campaign,
    get_campaigns_campaign_results_csv,
    get_dry_runs_dry_run,
    post_campaigns,
    post_campaigns_campaign_dry_runs,
    post_campaigns_campaign_start,
)
from clarion_client.api.contacts import get_contacts, get_lists_list, post_contacts_search, post_lists
from clarion_client.api.intake import get_imports_import, post_imports
from clarion_client.api.reports import get_campaigns_campaign_counts
from clarion_client.api.tenancy import get_me
from clarion_client.models import (
    CampaignState,
    ContactSearch,
    ImportState,
    LegalBasis,
    ListName,
    MappingChoice,
    NewCampaign,
    Problem,
    Purpose,
    Right,
)
from clarion_client.types import File

address, key, sender = sys.argv[1:]
PEOPLE = 120
client = AuthenticatedClient(base_url=f"{address}/api/v1", token=key, raise_on_unexpected_status=True)


def made(answer, what):
    assert answer is not None and not isinstance(answer, Problem), f"{what}: {answer}"
    return answer


def until(what, ask, done):
    for _ in range(600):
        answer = made(ask(), what)
        if done(answer):
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} takes too long: {answer}")


me = made(get_me.sync(client=client), "who am I")
assert Right.RUN_CAMPAIGNS in me.rights, me

once = str(uuid.uuid4())
people = made(post_lists.sync(client=client, body=ListName(name="Customers"), idempotency_key=once), "a list")
again = made(post_lists.sync(client=client, body=ListName(name="Customers"), idempotency_key=once), "the same request")
assert again.id == people.id, "done once"
taken = post_lists.sync(client=client, body=ListName(name="Customers"))
assert isinstance(taken, Problem) and taken.status == 409 and taken.type_.startswith("urn:clarion:problem:"), taken

lines = "".join(f"07700900{n:03},Ada {n},REF-{n:04}\n" for n in range(PEOPLE))
file = File(payload=BytesIO(f"phone,first name,reference\n{lines}".encode()))
sent = made(post_imports.sync(client=client, body=file, file_name="people.csv", list_=people.id, mapping=MappingChoice.AUTO), "a file")
loaded = until("the import", lambda: get_imports_import.sync(sent.import_.id, client=client), lambda record: record.import_.state == ImportState.LOADED)
assert loaded.import_.rows_loaded == PEOPLE, loaded
assert made(get_lists_list.sync(people.id, client=client), "the list").members == PEOPLE

seen, after = [], None
while True:
    page = made(get_contacts.sync(client=client, list_=people.id, limit=50, **({"after": after} if after else {})), "a page")
    seen += [line.id for line in page.items]
    after = page.next_
    if not after:
        break
assert len(set(seen)) == len(seen) == PEOPLE, "each once, over all pages"
found = made(post_contacts_search.sync(client=client, body=ContactSearch(reference="REF-0007")), "a search")
assert [(contact.id in seen, contact.reference) for contact in found.items] == [(True, "REF-0007")], found

nobody = get_campaigns_campaign.sync(seen[0].replace("con_", "cmp_"), client=client)
assert isinstance(nobody, Problem) and nobody.status == 404, nobody
text = "Northwind Energy: hello {first_name|there}, your reading is due. Reply STOP to end these messages."
draft = NewCampaign(name="Readings", list_=people.id, purpose=Purpose.REMINDER, legal_basis=LegalBasis.CONTRACT, sender=sender, body=text, rate_per_second=100)
campaign = made(post_campaigns.sync(client=client, body=draft), "a campaign")
assert campaign.state == CampaignState.DRAFT
asked = made(post_campaigns_campaign_dry_runs.sync(campaign.id, client=client), "a dry run")
dry = until("the dry run", lambda: get_dry_runs_dry_run.sync(asked.id, client=client), lambda run: run.done_at)
assert not dry.error, dry

made(post_campaigns_campaign_start.sync(campaign.id, client=client), "the start")
counts = until(
    "the campaign",
    lambda: get_campaigns_campaign_counts.sync(campaign.id, client=client),
    lambda now: now.audience == PEOPLE and not now.not_asked and sum(row.n for row in now.attempts) + sum(row.n for row in now.due) + sum(row.n for row in now.refused) == PEOPLE,
)
results = made(get_campaigns_campaign_results_csv.sync(campaign.id, client=client), "the results")
rows = results.strip().splitlines()
assert len(rows) == PEOPLE + 1 and rows[0].startswith("position,contact,number"), rows[0]
assert "7700900" not in results, "masked until somebody reveals them"
assert [one.id for one in made(get_campaigns.sync(client=client), "campaigns").items] == [campaign.id]

stranger = AuthenticatedClient(base_url=f"{address}/api/v1", token="clk_nobody_0", raise_on_unexpected_status=True)
refused = get_me.sync(client=stranger)
assert isinstance(refused, Problem) and refused.status == 401, refused
print(json.dumps({"attempts": sum(row.n for row in counts.attempts), "due": sum(row.n for row in counts.due), "refused": sum(row.n for row in counts.refused)}))
