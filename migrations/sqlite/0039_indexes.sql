-- Each leads to the few rows that a statement is about: without them its cost grew with all that a tenant, or every tenant, has.
CREATE INDEX preference_tenant ON preference (tenant_id);
CREATE INDEX hold_open ON hold (tenant_id) WHERE lifted_at IS NULL;
CREATE INDEX campaign_list ON campaign (list_id) WHERE state IN ('scheduled', 'starting', 'running', 'paused');
CREATE INDEX suppression_erased ON suppression (tenant_id, number_index) WHERE reason = 'erased';
CREATE INDEX reply_open ON reply (tenant_id) WHERE state <> 'closed';
CREATE INDEX notice_tenant ON notice (tenant_id, id);
CREATE INDEX notice_test_call ON notice (campaign_id, id) WHERE kind = 'test_call';
CREATE INDEX idempotency_key_created ON idempotency_key (created_at);
CREATE INDEX call_tenant ON call (tenant_id, attempt_id);
DROP INDEX import_waiting;
CREATE INDEX import_waiting ON import (id) WHERE state IN ('received', 'ready', 'loading', 'undoing');
