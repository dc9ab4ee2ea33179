import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/** Gives numbers in [0, 1), as Math.random does. */
export type Random = () => number;

/** A pause before attempt `attempt` (from 1): doubling from 50 ms to 2 s, half of it random so that
 * many clients do not come back at once. */
export function backOffMs(attempt: number, random: Random = Math.random): number {
  return jittered(Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 16)), random);
}

/** Between half of `ms` and all of it. */
export function jittered(ms: number, random: Random = Math.random): number {
  return Math.ceil(ms / 2 + (random() * ms) / 2);
}

/** Runs `step` until it returns something, pausing between; null once `deadline` (performance.now()) has
 * passed. `step` gets the number of its attempt, from 1. */
export async function retryUntil<T>(
  deadline: number,
  step: (attempt: number) => Promise<T | null>,
): Promise<T | null> {
  for (let attempt = 1; ; attempt++) {
    const result = await step(attempt);
    if (result !== null) return result;
    const pause = backOffMs(attempt);
    if (performance.now() + pause >= deadline) return null;
    await sleep(pause);
  }
}
