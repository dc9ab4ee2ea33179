/**
 * ledger.yaml: the ledger as code. This file says what the configuration may hold; parse.ts turns a
 * text into one, or into an error with line, column and field.
 */
import { z } from 'zod';
import { checkLedgerName, checkTopicName } from '../../ledger/origin.js';
import { accepts, duration, path, wholeNumber } from './fields.js';
import { kafka } from './kafka-fields.js';
import { principals } from './principals.js';
import { waiver } from './waiver-fields.js';

export const DEFAULT_REPLICATION = 3;

/** Also what a topic is set to unless the file says otherwise. */
export function defaultMinInSync(replication: number): number {
  return Math.min(2, replication);
}

const topicName = z
  .string({ error: 'expected a topic name' })
  .superRefine(accepts(checkTopicName))
  .meta({ pattern: '^[A-Za-z0-9._-]{1,200}$' });

const SETTING_EXPECTED = 'expected the name of a topic setting of Kafka, such as segment.bytes';
const VALUE_EXPECTED = 'expected text, a number or true or false; quote a number of over 15 digits';

const settingValue = z.union(
  [
    z.string({ error: VALUE_EXPECTED }).max(4096, VALUE_EXPECTED),
    z
      .number({ error: VALUE_EXPECTED })
      .refine((value) => /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/.test(String(value)), VALUE_EXPECTED)
      .transform(String),
    z.boolean({ error: VALUE_EXPECTED }).transform(String),
  ],
  { error: VALUE_EXPECTED },
);

/** Settings that have a field of their own: said twice, they could contradict each other. */
const OWN_FIELD: ReadonlyMap<string, string> = new Map([
  ['min.insync.replicas', 'minInSync'],
  ['max.message.bytes', 'maxRecordBytes'],
]);

const settings = z
  .record(z.string().regex(/^[a-z][a-z0-9.]{0,127}$/, SETTING_EXPECTED), settingValue, {
    error: 'expected { setting: value }',
  })
  .superRefine((given, context) => {
    for (const name of Object.keys(given)) {
      const field = OWN_FIELD.get(name);
      if (field === undefined) continue;
      const message = `expected in ${field}, not here`;
      context.addIssue({ code: 'custom', path: [name], message });
    }
  });

const topic = z.strictObject({
  name: topicName,
  partitions: wholeNumber(1, 10_000).describe('Never fewer than there are'),
  replication: wholeNumber(1, 32)
    .optional()
    .describe('Copies of each partition; only for kafka://. Default 3'),
  minInSync: wholeNumber(1, 32)
    .optional()
    .describe('Copies that must have a record before it is acknowledged. Default 2'),
  maxRecordBytes: wholeNumber(1_024, 1_073_741_824)
    .optional()
    .describe("The largest batch of records that is taken; left out: the broker's own limit"),
  settings: settings.default({}).describe("Other topic settings, by Kafka's names"),
});

const STREAM_EXPECTED =
  'expected file:PATH or kafka://HOST:PORT[,HOST:PORT…], without user, password or path';

export const configurationSchema = z.strictObject({
  version: z.literal(1, { error: 'expected 1, the only version of ledger.yaml' }),
  ledger: z.string({ error: 'expected a ledger name' }).superRefine(accepts(checkLedgerName)).meta({
    description: 'A URL that you control, without its scheme; signed into every checkpoint',
    pattern: '^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$',
  }),
  stream: z
    .string({ error: 'expected a stream URL' })
    .max(65_536, STREAM_EXPECTED)
    .regex(/^(file:.+|kafka:\/\/[^/@?#\s]+)$/, STREAM_EXPECTED)
    .describe('Where the topics are: file:PATH or kafka://HOST:PORT[,HOST:PORT…]'),
  kafka: kafka.optional().describe('How a kafka:// stream is reached'),
  topics: z
    .array(topic, { error: 'expected a list of topics' })
    .min(1, 'expected at least one topic')
    .max(1_000, 'expected at most 1000 topics')
    .describe('Audit topics; each has its checkpoints in <name>.checkpoints'),
  configuration: z
    .strictObject({ topic: topicName })
    .optional()
    .describe('The topic in which `apply` records this file; left out: it is not recorded'),
  principals: principals
    .optional()
    .describe('Who may do what on the topics; left out: access rules are not managed'),
  waivers: z
    .array(waiver, { error: 'expected a list of waivers' })
    .max(1_000, 'expected at most 1000 waivers')
    .default([])
    .describe('What may be loose, until when and why'),
  seal: z
    .strictObject({
      key: path.describe('PEM file of the signing key'),
      memory: path.describe('Folder that keeps what was last signed'),
      every: duration.prefault('10s').describe('A log that has grown is checkpointed this often'),
      records: wholeNumber(1, 100_000_000)
        .default(100_000)
        .describe('… or after this many records'),
      heartbeat: duration.prefault('10m').describe('A log that has not grown, this often'),
    })
    .optional()
    .describe('Only where one seals'),
  verify: z
    .strictObject({
      publicKey: path.optional().describe('PEM file; left out: that of seal.key'),
      maxAge: duration.prefault('15m').describe('An older head is stale'),
    })
    .optional(),
});

/** A valid ledger.yaml: durations in milliseconds, paths absolute, secrets still references. */
export type Configuration = z.output<typeof configurationSchema>;
export type TopicDeclaration = Configuration['topics'][number];

/** A stream in a folder of this machine, without brokers. */
export function isEmbedded({ stream }: Pick<Configuration, 'stream'>): boolean {
  return stream.startsWith('file:');
}
