/**
 * Every stable code of `plan` and `doctor`, once. A code never changes its meaning: waivers, alerts
 * and code scanning name it.
 */
import { DIFFERENCES } from './differences.js';
import type { Entry } from './entry.js';
import { HEALTH } from './health.js';

/** What `plan` can find, and `doctor` with it. */
export type DifferenceCode = keyof typeof DIFFERENCES;
/** What `doctor` alone finds. */
type HealthCode = keyof typeof HEALTH;
export type Code = DifferenceCode | HealthCode;

export const CATALOGUE: Readonly<Record<Code, Entry>> = { ...DIFFERENCES, ...HEALTH };

/** Codes that say that something could not be looked at, which is never taken for "as declared". */
export const UNSEEN: ReadonlySet<Code> = new Set<Code>([
  'topic-unseen',
  'settings-unseen',
  'broker-settings-unseen',
  'bounds-unseen',
  'acl-unseen',
  'quota-unseen',
  'configuration-unseen',
]);
