import type { AuditEvent } from '../../../schemas/generated.js';

/** An event that uses every field of the schema. */
export function sampleEvent(): AuditEvent {
  return {
    event_id: '0197b3a2-7c10-7c3e-9b1a-5f2a6f3d9e01',
    tenant_id: 'tenant-7',
    occurred_at: 1_688_990_106_123_456n,
    action: 'iam.user.role.grant',
    category: 'IDENTITY_CHANGE',
    operation: 'GRANT',
    outcome: { status: 'SUCCESS', code: '200', detail: null },
    actor: {
      type: 'USER',
      id: 'u-1',
      display: null,
      session_id: 's-1',
      credential_id: 'k-1',
      on_behalf_of: 'u-0',
      roles: ['admin', 'auditor'],
    },
    resources: [
      { type: 'user', id: 'u-2', parent: 'org-1', version: '3' },
      { type: 'role', id: 'payments', parent: null, version: null },
    ],
    changes: [
      { resource: 1, path: '/members', before: null, after: '["u-2"]', redacted: false },
      { resource: 0, path: '/secret', before: null, after: null, redacted: true },
    ],
    context: {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      correlation_id: 'c-1',
      causation_id: null,
      request_id: 'r-1',
      client_ip: '192.0.2.1',
      user_agent: 'Straße/1.0 🚲',
      policy: null,
      justification: 'TICKET-1',
    },
    origin: {
      source: '/services/iam',
      instance_id: 'iam-0',
      epoch: 9_007_199_254_740_993n,
      sequence: 42n,
      library: 'sealstream/0.1.0',
    },
    sealed: [
      {
        path: '/actor/display',
        key_id: 'dek-1',
        alg: 'A256GCM',
        nonce: Uint8Array.of(1, 2, 3),
        ciphertext: Uint8Array.of(0, 255, 7),
      },
    ],
    attributes: { aws_region: 'eu-central-1', 'x.y-z': '' },
  };
}
