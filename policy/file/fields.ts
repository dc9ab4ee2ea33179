/** The kinds of value that ledger.yaml is made of. No message repeats the value it refuses. */
import { z } from 'zod';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(0|[1-9][0-9]{0,8})(ms|s|m|h|d)$/;
const LONGEST_MS = 3_650 * UNIT_MS.d;

/** Milliseconds of "10s", "500ms", "15m", "2h", "1d"; null for anything else. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const milliseconds = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  return milliseconds > 0 && milliseconds <= LONGEST_MS ? milliseconds : null;
}

const DURATION_EXPECTED = 'expected a duration such as 10s, 15m or 1h, at most 3650d';

export const duration = z
  .string({ error: DURATION_EXPECTED })
  .regex(DURATION, DURATION_EXPECTED)
  .refine((text) => parseDuration(text) !== null, DURATION_EXPECTED)
  .transform((text) => parseDuration(text) ?? 0);

export const path = z
  .string({ error: 'expected a path' })
  .min(1, 'expected a path')
  .max(4096, 'expected a path of at most 4096 characters');

export function wholeNumber(least: number, most: number): z.ZodNumber {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.number({ error }).int(error).min(least, error).max(most, error);
}

const SECRET_EXPECTED = 'expected env:NAME or file:PATH; a secret never stands in this file';

export const secret = z
  .string({ error: SECRET_EXPECTED })
  .max(4096, SECRET_EXPECTED)
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, SECRET_EXPECTED);

/** Takes what `check` does not throw on; its message is the refusal. */
export function accepts(
  check: (text: string) => void,
): (text: string, context: z.RefinementCtx) => void {
  return (text, context) => {
    try {
      check(text);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      context.addIssue({ code: 'custom', message });
    }
  };
}
