/**
 * ledger.yaml: the ledger as code. This file says what the configuration may hold; parse.ts turns a
 * text into one, or into an error with line, column and field.
 */
import { z } from 'zod';
import { checkLedgerName, checkTopicName } from '../ledger/origin.js';

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

function accepts(check: (text: string) => void): (text: string, context: z.RefinementCtx) => void {
  return (text, context) => {
    try {
      check(text);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      context.addIssue({ code: 'custom', message });
    }
  };
}

const duration = z
  .string({ error: 'expected a duration such as 10s, 15m or 1h' })
  .refine((text) => parseDuration(text) !== null, 'expected a duration such as 10s, 15m or 1h')
  .transform((text) => parseDuration(text) ?? 0);

const path = z.string({ error: 'expected a path' }).min(1, 'expected a path').max(4096);

function wholeNumber(least: number, most: number): z.ZodNumber {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.number({ error }).int(error).min(least, error).max(most, error);
}

const secret = z
  .string({ error: 'expected env:NAME or file:PATH; a secret never stands in this file' })
  .regex(
    /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/,
    'expected env:NAME or file:PATH; a secret never stands in this file',
  );

const topic = z.strictObject({
  name: z.string({ error: 'expected a topic name' }).superRefine(accepts(checkTopicName)),
  partitions: wholeNumber(1, 10_000),
  replication: wholeNumber(1, 32).optional(),
});

const kafka = z.strictObject({
  tls: z
    .union([
      z.boolean(),
      z.strictObject({ ca: path.optional(), cert: path.optional(), key: path.optional() }),
    ])
    .optional(),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512'], {
        error: 'expected plain, scram-sha-256 or scram-sha-512',
      }),
      username: secret,
      password: secret,
    })
    .optional(),
});

export const configurationSchema = z.strictObject({
  version: z.literal(1, { error: 'expected 1, the only version of ledger.yaml' }),
  ledger: z.string({ error: 'expected a ledger name' }).superRefine(accepts(checkLedgerName)),
  stream: z
    .string({ error: 'expected a stream URL' })
    .regex(
      /^(file:.+|kafka:\/\/[^/]+)$/,
      'expected file:PATH or kafka://HOST:PORT[,HOST:PORT…], without a path',
    ),
  kafka: kafka.optional(),
  topics: z
    .array(topic, { error: 'expected a list of topics' })
    .min(1, 'expected at least one topic')
    .max(1_000, 'expected at most 1000 topics'),
  seal: z
    .strictObject({
      key: path,
      memory: path,
      every: duration.default(10_000),
      records: wholeNumber(1, 100_000_000).default(100_000),
      heartbeat: duration.default(600_000),
    })
    .optional(),
  verify: z
    .strictObject({ publicKey: path.optional(), maxAge: duration.default(900_000) })
    .optional(),
});

/** A valid ledger.yaml: durations in milliseconds, paths absolute, secrets still references. */
export type Configuration = z.output<typeof configurationSchema>;
export type TopicDeclaration = Configuration['topics'][number];
