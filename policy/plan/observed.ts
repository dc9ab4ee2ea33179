import { SealstreamError } from '../../ledger/error.js';
import type {
  AccessRule,
  Administration,
  ClusterState,
  Quota,
  TopicState,
} from '../../stream/administration.js';
import type { Bounds, Stream } from '../../stream/stream.js';
import { type Configuration, isEmbedded } from '../file/configuration.js';
import { desiredTopics } from './desired.js';
import { type RecordedConfiguration, readRecorded } from './recorded.js';

/**
 * What was asked of the cluster, once, so that plan and doctor are pure functions of it. An error in
 * the place of an answer: that could not be seen, mostly for want of a right.
 */
export interface Observed {
  readonly cluster: ClusterState;
  /** The ledger's topics and those of the last recorded configuration, by name; null: there is none. */
  readonly topics: ReadonlyMap<string, TopicState | null>;
  /** Why a topic, null above, may be there all the same: no right to see it. */
  readonly unseen: ReadonlyMap<string, SealstreamError>;
  /** By topic and then partition, for every topic that is there. */
  readonly bounds: ReadonlyMap<string, readonly (Bounds | SealstreamError)[]>;
  /** null: the cluster has no authorizer, or is an embedded stream. */
  readonly rules: readonly AccessRule[] | SealstreamError | null;
  readonly quotas: readonly Quota[] | SealstreamError;
  /** null: none was recorded, or no configuration topic is declared. */
  readonly recorded: RecordedConfiguration | SealstreamError | null;
}

/** Topics that are asked about at the same time. */
const AT_ONCE = 8;

/** Asks everything. Throws what the stream throws when it cannot be reached. */
export async function observe(
  administration: Administration,
  stream: Stream,
  configuration: Configuration,
  options: { readonly timeoutMs?: number } = {},
): Promise<Observed> {
  const cluster = await administration.cluster();
  const topics = new Map<string, TopicState | null>();
  const unseen = new Map<string, SealstreamError>();
  const look = async (names: readonly string[]): Promise<void> => {
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const some = names.slice(at, at + AT_ONCE);
      const states = await Promise.all(
        some.map((name) => topicOrNull(administration, name, configuration)),
      );
      for (const [index, name] of some.entries()) {
        const state = states[index] ?? null;
        topics.set(name, state instanceof SealstreamError ? null : state);
        if (state instanceof SealstreamError) unseen.set(name, state);
      }
    }
  };
  await look(desiredTopics(configuration).map(({ specification }) => specification.topic));
  const name = configuration.configuration?.topic ?? '';
  const own = topics.get(name) ?? null;
  const recorded =
    own === null
      ? (unseen.get(name) ?? null)
      : await unlessUnseen(readRecorded(stream, own, options));
  if (recorded !== null && !(recorded instanceof SealstreamError)) {
    await look(recorded.topics.filter((name) => !topics.has(name)));
  }
  const bounds = new Map<string, readonly (Bounds | SealstreamError)[]>();
  for (const [name, state] of topics) {
    if (state === null) continue;
    const partitions = state.partitions.map(({ partition }) => partition);
    bounds.set(name, await stream.bounds(state, partitions));
  }
  const rules = await unlessUnseen(administration.accessRules());
  const quotas = await unlessUnseen(administration.quotas());
  return { cluster, topics, unseen, bounds, rules, quotas, recorded };
}

/** An embedded stream has no folder before its first topic: there that is a beginning, no outage. */
async function topicOrNull(
  administration: Administration,
  name: string,
  configuration: Configuration,
): Promise<TopicState | SealstreamError | null> {
  try {
    return await unlessUnseen(administration.topic(name));
  } catch (error) {
    const none = error instanceof SealstreamError && error.code === 'unreachable';
    if (none && isEmbedded(configuration)) return null;
    throw error;
  }
}

const UNSEEN = new Set<string>(['unauthorized', 'unsupported', 'unreadable', 'batch-corrupt']);

async function unlessUnseen<T>(asked: Promise<T>): Promise<T | SealstreamError> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof SealstreamError && UNSEEN.has(error.code)) return error;
    throw error;
  }
}
