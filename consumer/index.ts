/** Verify and replay sealed logs, and prove single records. */
export { NotVerified } from './not-verified.js';
export type { ConsumerOptions, Progress, TopicToVerify, VerifyOptions } from './options.js';
export { type Proof, type ProveOptions, prove } from './prove.js';
export { type Replayed, type ReplayOptions, replay } from './replay.js';
export {
  type ConfigurationChange,
  type ConfigurationReport,
  type PartitionReport,
  type Report,
  reportToJson,
} from './report.js';
export { exitCodeOf, type Finding, type FindingCode, type Verdict } from './verdict.js';
export { verify } from './verify.js';
