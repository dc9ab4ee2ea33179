export { completeEvent, decodeEvent, encodeEvent, isAuditEvent } from './codec.js';
export { incompatibilities } from './compatibility.js';
export { canonicalForm, fingerprint } from './fingerprint.js';
export type * from './generated.js';
export { SCHEMA_VERSIONS } from './generated.js';
export { fromJson, toJson } from './json.js';
