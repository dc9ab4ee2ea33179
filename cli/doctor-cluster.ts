/** What `doctor` asks of the cluster: its state, where every log stands, and a few records. */
import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import type { ClusterView, LogHealth, NewestRecord, Unasked } from '../policy/doctor/examined.js';
import { inTurns, newestRecords, timeOfFirst } from '../policy/doctor/samples.js';
import { type SignedLog, signedLogs } from '../policy/doctor/signed.js';
import { type Observed, observe } from '../policy/plan/observed.js';
import { type LogStatus, sealStatus } from '../sealer/status.js';
import type { Memory } from '../store/memory.js';
import type { TopicIdentity } from '../stream/stream.js';
import { EXIT, exitCodeOf } from './exit.js';
import type { LedgerSession } from './ledger-session.js';

export interface LookOptions {
  readonly session: LedgerSession;
  /** An error: there is none that can be used. */
  readonly publicKey: PublicKey | SealstreamError;
  readonly memory: Memory | null;
  readonly timeoutMs: number;
}

/** An error: the cluster could not be asked. What is wrong with the file itself is thrown. */
export async function lookAtCluster(options: LookOptions): Promise<ClusterView | SealstreamError> {
  const { declared, stream, administration } = options.session;
  const { configuration } = declared;
  const { timeoutMs } = options;
  try {
    const observed = await observe(administration, stream, configuration, { timeoutMs });
    const names = configuration.topics.map(({ name }) => name);
    if (configuration.configuration !== undefined) names.push(configuration.configuration.topic);
    const logs: (LogHealth | Unasked)[] = [];
    const newest: (NewestRecord | Unasked)[] = [];
    for (const name of names) {
      const state = observed.topics.get(name) ?? null;
      logs.push(...(await logsOf(options, observed, name)));
      if (state === null) continue;
      const bounds = observed.bounds.get(name) ?? [];
      newest.push(...(await newestRecords(stream, state, bounds, { timeoutMs })));
    }
    return { observed, logs, newest };
  } catch (error) {
    if (error instanceof SealstreamError && exitCodeOf(error) !== EXIT.usage) return error;
    throw error;
  }
}

async function logsOf(
  options: LookOptions,
  observed: Observed,
  name: string,
): Promise<(LogHealth | Unasked)[]> {
  const { session, publicKey, memory, timeoutMs } = options;
  const { declared, stream } = session;
  const { ledger, seal } = declared.configuration;
  const state = observed.topics.get(name) ?? null;
  if (publicKey instanceof SealstreamError) {
    return [{ topic: name, partition: null, error: publicKey }];
  }
  try {
    const all = await sealStatus({
      stream,
      ledger,
      topics: [name],
      publicKey,
      memory,
      seals: seal !== undefined,
      timeout: timeoutMs,
    });
    const checkpoints = observed.topics.get(checkpointTopic(name)) ?? null;
    const signed =
      state === null || checkpoints === null
        ? { logs: new Map<number, SignedLog>(), foreign: null }
        : await signedLogs(stream, { ledger, topic: state, checkpoints, publicKey }, { timeoutMs });
    return await inTurns(all, (status) => healthOf(options, state, status, signed));
  } catch (error) {
    // That it is missing is a difference of the plan.
    if (error instanceof SealstreamError && error.code === 'topic-missing') return [];
    const why = asSealstreamError(error, 'internal', name);
    return [{ topic: name, partition: null, error: why }];
  }
}

async function healthOf(
  { session, timeoutMs }: LookOptions,
  identity: TopicIdentity | null,
  status: LogStatus,
  { logs, foreign }: Awaited<ReturnType<typeof signedLogs>>,
): Promise<LogHealth | Unasked> {
  const { topic, partition, log, head, memory, refusal, error } = status;
  if (error !== null && refusal === null) return { topic, partition, error };
  const from = head?.next ?? memory?.first ?? log?.start ?? 0n;
  const start = log !== null && from < log.start ? log.start : from;
  const until = log?.end ?? 0n;
  const waits = identity !== null && refusal === null && until > start;
  const range = { partition, from: start, until };
  return {
    topic,
    partition,
    head: head && { time: head.time, configuration: head.configuration },
    first: logs.get(partition)?.first ?? null,
    other: logs.get(partition)?.other ?? null,
    foreign,
    memory: memory && { origin: memory.origin, first: memory.first },
    refusal,
    unsealed: until > start ? until - start : 0n,
    oldestUnsealed: waits
      ? await timeOfFirst(session.stream, identity, range, { timeoutMs })
      : null,
  };
}
