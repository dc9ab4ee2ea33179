/** AuditEvent and its codec. Arguments are checked here, see ledger/index.ts; events where they are read. */
import { bytes, listOf, taking, text } from '../ledger/given.js';
import * as codec from './codec.js';
import { completeEvent } from './codec.js';
import * as compatibility from './compatibility.js';
import * as fingerprints from './fingerprint.js';
import type { AuditEvent } from './generated.js';
import * as json from './json.js';

export { encodeEvent } from './codec.js';
export type * from './generated.js';
export { SCHEMA_VERSIONS } from './generated.js';
export { fromJson } from './json.js';

/** More than a schema will ever have. */
const MOST_VERSIONS = 1000;

export { completeEvent };
export const decodeEvent = taking('decodeEvent', [bytes], codec.decodeEvent);
export const isAuditEvent = taking('isAuditEvent', [bytes], codec.isAuditEvent);
export const incompatibilities = taking(
  'incompatibilities',
  [listOf(text, MOST_VERSIONS)],
  compatibility.incompatibilities,
);
export const canonicalForm = taking('canonicalForm', [text], fingerprints.canonicalForm);
export const fingerprint = taking('fingerprint', [text], fingerprints.fingerprint);
/** The JSON form of an event: see schemas/json.ts. Throws `event-invalid` on what is none. */
export function toJson(event: AuditEvent): Record<string, unknown> {
  return json.toJson(completeEvent(event));
}
