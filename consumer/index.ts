/** Verify and replay sealed logs, and prove single records. */
export { NotVerified } from './not-verified.js';
export type { ConsumerOptions, Progress, TopicToVerify, VerifyOptions } from './options.js';
export { type Proof, type ProveOptions, prove } from './prove/prove.js';
export { type Replayed, type ReplayOptions, replay } from './replay/replay.js';
export { exitCodeOf, type Finding, type FindingCode, type Verdict } from './verdict.js';
export {
  type ConfigurationChange,
  type ConfigurationReport,
  type PartitionReport,
  type Report,
  reportToJson,
} from './verify/report.js';
export { verify } from './verify/verify.js';
