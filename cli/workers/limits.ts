import type { ResourceLimits } from 'node:worker_threads';

/**
 * Hashing makes short-lived views and strings only, a few hundred bytes a record. Without a limit each
 * thread keeps some 30 MB more for them and is no faster; with half of this, a quarter slower.
 */
export const THREAD_LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 12 };
