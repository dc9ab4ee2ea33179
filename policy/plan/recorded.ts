/**
 * The history of the configuration: one audit event for each that was applied, in the ledger's own
 * configuration topic, sealed like every other event.
 */
import { CONFIGURATION_HEADER, configurationOfHeaders } from '../../ledger/configuration-line.js';
import { SealstreamError } from '../../ledger/error.js';
import { checkTopicName } from '../../ledger/origin.js';
import type { RecordParts } from '../../ledger/records.js';
import { decodeEvent } from '../../schemas/codec.js';
import type { AuditEvent, AuditEventInput } from '../../schemas/generated.js';
import { type ReadOptions, readBounds, readRange } from '../../stream/read.js';
import type { Stream, StreamRecord, TopicIdentity } from '../../stream/stream.js';
import { configurationHash } from '../file/canonical.js';
import type { Declared } from './desired.js';
import type { Difference } from './difference.js';
import { textChanges } from './text-changes.js';

/** The last configuration that `apply` appended to the ledger's configuration topic. */
export interface RecordedConfiguration {
  readonly offset: bigint;
  /** The record's own, milliseconds UTC. */
  readonly timestamp: bigint;
  /** Base64 SHA-256 of `text`. */
  readonly hash: string;
  /** The one that checkpoints name: `hash`, unless a later record names another that it does not hold. */
  readonly named: string;
  /** Canonical text of the configuration. */
  readonly text: string;
  /** The ledger that it configures; null: it does not say. */
  readonly ledger: string | null;
  /** The audit topics that it declares. */
  readonly topics: readonly string[];
  /** Names and ids of the topics that were there when it was recorded. */
  readonly topicIds: ReadonlyMap<string, string>;
}

const CONFIGURATION_ACTION = 'sealstream.configuration.applied';

const ATTRIBUTE = {
  hash: 'config.sha256',
  text: 'config.text',
  topicIds: 'config.topic_ids',
  waived: 'config.waived',
} as const;
const MOST_TOPICS = 10_000;
/** Of a text; a ledger.yaml is far smaller, and its lists and maps go less deep. */
const MOST_CHARACTERS = 1_048_576;
const DEEPEST_TEXT = 64;
const WINDOW = 256n;
const DEEPEST = 65_536n;

/** As a publisher takes it. */
export interface ConfigurationRecord {
  readonly event: AuditEventInput;
  readonly key: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface Recording {
  readonly declared: Declared;
  /** The principal that applies. */
  readonly actor: string;
  readonly before: RecordedConfiguration | null;
  /** Differences that loosen, each with its waiver. */
  readonly loosened: readonly Difference[];
  readonly topicIds: ReadonlyMap<string, string>;
}

/** What is appended once everything else was applied. */
export function configurationRecord(recording: Recording): ConfigurationRecord {
  const { declared, actor, before, loosened, topicIds } = recording;
  const { text, hash, configuration } = declared;
  const waived = loosened.map(({ code, topic, field, found, wanted, waiver }) => {
    return { code, topic, field, found, wanted, until: waiver?.until, reason: waiver?.reason };
  });
  return {
    key: 'configuration',
    headers: [[CONFIGURATION_HEADER, hash]],
    event: {
      category: 'CONFIGURATION',
      operation: 'UPDATE',
      action: CONFIGURATION_ACTION,
      outcome: { status: 'SUCCESS' },
      actor: { type: 'USER', id: actor },
      resources: [{ type: 'ledger', id: configuration.ledger }],
      changes: textChanges(before?.text ?? null, text),
      attributes: {
        [ATTRIBUTE.hash]: hash,
        [ATTRIBUTE.text]: text,
        [ATTRIBUTE.topicIds]: JSON.stringify(Object.fromEntries(topicIds)),
        ...(waived.length === 0 ? {} : { [ATTRIBUTE.waived]: JSON.stringify(waived) }),
      },
    },
  };
}

/**
 * The last configuration of the topic, found from its end; null: there is none. Records that are no
 * configuration are passed over, at most 65,536 offsets of them: then throws `unreadable`. Else throws
 * as `readRange` does.
 */
export async function readRecorded(
  stream: Stream,
  topic: TopicIdentity,
  options: ReadOptions = {},
): Promise<RecordedConfiguration | null> {
  const { logStart, highWatermark } = await readBounds(stream, topic, 0, options);
  let named: string | null = null;
  for (let until = highWatermark; until > logStart; ) {
    if (highWatermark - until >= DEEPEST) {
      throw new SealstreamError(
        'unreadable',
        `${topic.topic}/0: no configuration among the last ${DEEPEST} offsets below ` +
          `${highWatermark}: somebody else writes there; find out who, and take the right away`,
      );
    }
    const from = until - WINDOW > logStart ? until - WINDOW : logStart;
    const found = await lastWithin(stream, topic, from, until, options);
    named ??= found.named;
    if (found.recorded !== null) return { ...found.recorded, named: named ?? found.recorded.hash };
    until = from;
  }
  return null;
}

async function lastWithin(
  stream: Stream,
  topic: TopicIdentity,
  from: bigint,
  until: bigint,
  options: ReadOptions,
): Promise<{ recorded: RecordedConfiguration | null; named: string | null }> {
  let recorded: RecordedConfiguration | null = null;
  let named: string | null = null;
  for await (const { batches } of readRange(
    stream,
    topic,
    { partition: 0, from, until },
    options,
  )) {
    for (const batch of batches) {
      for (let index = 0; index < batch.count; index += 1) {
        const record = batch.record(index);
        if (record.offset >= until) continue;
        recorded = configurationOf(record) ?? recorded;
        named = configurationOfHeaders(record.headers) ?? named;
      }
    }
  }
  return { recorded, named };
}

/** null: the record is no configuration that its own hash vouches for. */
export function configurationOf(
  record: RecordParts & Pick<StreamRecord, 'offset' | 'timestamp'>,
): RecordedConfiguration | null {
  const hash = configurationOfHeaders(record.headers);
  const event = hash === null ? null : eventOf(record.value);
  if (hash === null || event?.action !== CONFIGURATION_ACTION) return null;
  const text = attribute(event, ATTRIBUTE.text);
  if (text === null || attribute(event, ATTRIBUTE.hash) !== hash) return null;
  if (configurationHash(text) !== hash) return null;
  const configuration = parsed(text);
  const topics = topicsOf(configuration);
  if (topics === null) return null;
  const ledger = ledgerOf(configuration);
  const topicIds = idsOf(parsed(attribute(event, ATTRIBUTE.topicIds) ?? '{}'));
  const { offset, timestamp } = record;
  return { offset, timestamp, hash, named: hash, text, ledger, topics, topicIds };
}

function eventOf(value: Uint8Array | null): AuditEvent | null {
  if (value === null) return null;
  try {
    return decodeEvent(value);
  } catch (error) {
    if (error instanceof SealstreamError && error.code === 'unreadable') return null;
    throw error;
  }
}

function attribute(event: AuditEvent, name: string): string | null {
  return Object.hasOwn(event.attributes, name) ? (event.attributes[name] ?? null) : null;
}

/** Whether what walks through it needs no more stack than there is. */
function isShallow(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    if (depth > DEEPEST_TEXT) return false;
  }
  return true;
}

function ledgerOf(configuration: object | null): string | null {
  if (configuration === null || !('ledger' in configuration)) return null;
  const { ledger } = configuration;
  return typeof ledger === 'string' ? ledger : null;
}

function parsed(text: string): object | null {
  if (text.length > MOST_CHARACTERS || !isShallow(text)) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function topicsOf(configuration: object | null): string[] | null {
  if (configuration === null || !('topics' in configuration)) return null;
  const { topics } = configuration;
  if (!Array.isArray(topics) || topics.length > MOST_TOPICS) return null;
  const names = topics.map((topic: unknown) =>
    typeof topic === 'object' && topic !== null && 'name' in topic ? topic.name : null,
  );
  return names.every(isTopicName) ? names : null;
}

function isTopicName(name: unknown): name is string {
  if (typeof name !== 'string') return false;
  try {
    checkTopicName(name);
    return true;
  } catch (error) {
    if (error instanceof SealstreamError) return false;
    throw error;
  }
}

function idsOf(value: object | null): ReadonlyMap<string, string> {
  const pairs = Object.entries(value ?? {}).filter(
    (pair): pair is [string, string] => isTopicName(pair[0]) && typeof pair[1] === 'string',
  );
  return new Map(pairs.slice(0, MOST_TOPICS));
}
