/** What a verification says about the configurations that checkpoints name. */
import { configurationOfBody } from '../../ledger/configuration-line.js';
import { readBounds, readRange } from '../../stream/read.js';
import type { TopicIdentity } from '../../stream/stream.js';
import { findingOf } from '../failure.js';
import { timing, type VerifyOptions } from '../options.js';
import type { TopicState } from '../topic.js';
import type { ConfigurationChange, ConfigurationReport, PartitionReport } from './report.js';

const MOST_CHANGES = 10_000;
export const CONFIGURATION_PARTITION = 0;

export type Changes = Pick<ConfigurationReport, 'changes' | 'more'>;

/** The changes of a topic's logs; `partition`: of this one only. */
export function changesOf({ history }: TopicState, partition: number | undefined): Changes {
  const changes: ConfigurationChange[] = [];
  let more = 0;
  for (const { origin, configurations } of history.logs.values()) {
    if (partition !== undefined && origin.partition !== partition) continue;
    more += configurations.dropped;
    for (const { config, text, size, next, time } of configurations.changes()) {
      const place = { topic: origin.topic, partition: origin.partition };
      const at = { size, next, time: new Date(time).toISOString() };
      changes.push({ config, text, ...place, ...at, known: null });
    }
  }
  return merged([{ changes, more }]);
}

/** The configuration topic's log as it was verified. */
export interface ConfigurationLog {
  readonly topic: string;
  /** null: the stream did not describe it. */
  readonly identity: TopicIdentity | null;
  readonly report: PartitionReport | null;
}

/** null: there is no configuration topic, and no checkpoint names a configuration. */
export async function configurationReport(
  options: VerifyOptions,
  found: readonly Changes[],
  log: ConfigurationLog | null,
): Promise<ConfigurationReport | null> {
  const { changes, more } = merged(found);
  if (log === null) return changes.length === 0 ? null : { topic: null, log, changes, more };
  const wanted = new Set(changes.map(({ config }) => config).filter((config) => config !== null));
  const first = log.report?.sealed?.first ?? 0n;
  const offsets = await offsetsOf(options, log.identity, first, wanted);
  const known = changes.map((change) => ({
    ...change,
    known: change.config === null ? null : (offsets.get(change.config) ?? null),
  }));
  return { topic: log.topic, log: log.report, changes: known, more };
}

/** By time; the first of them, and how many more there are. */
function merged(all: readonly Changes[]): Changes {
  const changes = all.flatMap((one) => one.changes).sort(compareChanges);
  const more = all.reduce((sum, one) => sum + one.more, 0);
  const beyond = Math.max(0, changes.length - MOST_CHANGES);
  return { changes: changes.slice(0, MOST_CHANGES), more: more + beyond };
}

/**
 * The first record that names each, by its header alone. What lies below the log's own `first` was
 * never sealed, whoever placed it there.
 */
async function offsetsOf(
  options: VerifyOptions,
  identity: TopicIdentity | null,
  first: bigint,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, bigint>> {
  const offsets = new Map<string, bigint>();
  if (identity === null || wanted.size === 0) return offsets;
  const { stream } = options;
  const patience = { ...timing(options), recycle: true };
  try {
    const { logStart } = await readBounds(stream, identity, CONFIGURATION_PARTITION, patience);
    const range = { partition: CONFIGURATION_PARTITION, from: logStart > first ? logStart : first };
    for await (const { batches } of readRange(stream, identity, range, patience)) {
      for (const { count, bytes, bodyStart, bodyEnd, offsets: at } of batches) {
        for (let index = 0; index < count; index += 1) {
          const hash = configurationOfBody(bytes, bodyStart[index], bodyEnd[index]);
          const offset = at[index];
          if (hash === null || offset === undefined || !wanted.has(hash)) continue;
          if (offset < first) continue;
          if (!offsets.has(hash)) offsets.set(hash, offset);
        }
      }
    }
  } catch (error) {
    // What keeps it from being read is a finding of the log itself; here it is only not found.
    findingOf(error);
  }
  return offsets;
}

function compareChanges(a: ConfigurationChange, b: ConfigurationChange): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1;
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  if (a.partition !== b.partition) return a.partition - b.partition;
  return a.size === b.size ? 0 : a.size < b.size ? -1 : 1;
}
