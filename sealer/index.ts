export {
  type AdoptAction,
  type Adoption,
  type AdoptLogOptions,
  adoptLog,
} from './adopt-log.js';
export { STEPS, type Step, type StepContext, type StepHook } from './crash-points.js';
export type { LogReport } from './log-report.js';
export { sealerMetrics } from './metrics.js';
export type { Clock, SealerOptions, Settings } from './options.js';
export { REFUSAL_REASONS, type Refusal, type RefusalReason, SealRefused } from './refusal.js';
export type { SealedOnce } from './seal-once.js';
export { type Sealer, sealer } from './sealer.js';
export { type MetricsServer, type MetricsServerOptions, startMetricsServer } from './server.js';
export { type StartLogOptions, startLog } from './start-log.js';
export { type LogStatus, type SealedAt, type StatusOptions, sealStatus } from './status.js';
