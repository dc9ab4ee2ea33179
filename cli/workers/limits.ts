import type { ResourceLimits } from 'node:worker_threads';

/**
 * Hashing makes short-lived views and strings only, a few hundred bytes a record. Without a limit each
 * thread keeps some 50 MB for them, and is no faster for it.
 */
export const THREAD_LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 6 };
