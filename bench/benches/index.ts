import type { Bench } from '../harness/bench.js';
import { APPEND } from './append.js';
import { GROWTH } from './growth.js';
import { MEMORY } from './memory.js';
import { PUBLISH } from './publish.js';
import { REPLAY } from './replay.js';
import { RESUME } from './resume.js';
import { SEAL } from './seal.js';
import { VERIFY } from './verify.js';

/** Every bench there is, in the order in which they run. */
export const BENCHES: readonly Bench[] = [
  ...SEAL,
  ...VERIFY,
  ...APPEND,
  ...PUBLISH,
  ...REPLAY,
  ...RESUME,
  ...MEMORY,
  ...GROWTH,
];
