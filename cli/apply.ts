import type { Command } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import { formatOrigin } from '../ledger/origin.js';
import type { Configuration } from '../policy/configuration.js';
import { type AppliedTopic, applyTopics } from '../policy/topics.js';
import { startLog } from '../sealer/start-log.js';
import { openMemory } from '../store/folder.js';
import type { Memory } from '../store/memory.js';
import type { Stream } from '../stream/stream.js';
import { EXIT } from './exit.js';
import { printLine, tell, toJson } from './output.js';
import { type CommonOptions, withSession } from './session.js';

interface AppliedLog {
  readonly topic: string;
  readonly partition: number;
  readonly state: 'started' | 'known' | 'refused';
  readonly reason: string | null;
}

/** What became of one log: started, if this very call created its topic; else what the memory has. */
async function startOne(
  stream: Stream,
  memory: Memory,
  ledger: string,
  { description, created }: AppliedTopic,
  partition: number,
): Promise<Pick<AppliedLog, 'state' | 'reason'>> {
  const { topic, topicId } = description;
  const slot = await memory.read({ ledger, topic, partition });
  const origin = formatOrigin({ ledger, topic, topicId, partition });
  if (slot?.record.origin === origin) return { state: 'known', reason: null };
  if (slot !== null) {
    const reason = `the memory holds another log, ${slot.record.origin}; run adopt to seal this one`;
    return { state: 'refused', reason };
  }
  if (!created) {
    const reason = 'the topic existed and the memory does not know it; run adopt to seal it';
    return { state: 'refused', reason };
  }
  try {
    await startLog({ stream, memory, ledger, topic: { topic, topicId }, partition });
    return { state: 'started', reason: null };
  } catch (error) {
    if (!(error instanceof SealstreamError) || error.code !== 'memory-conflict') throw error;
    return { state: 'refused', reason: error.message };
  }
}

async function startLogs(
  stream: Stream,
  memory: Memory,
  ledger: string,
  topic: AppliedTopic,
): Promise<AppliedLog[]> {
  const logs: AppliedLog[] = [];
  for (let partition = 0; partition < topic.description.partitions; partition += 1) {
    const found = await startOne(stream, memory, ledger, topic, partition);
    logs.push({ topic: topic.declaration.name, partition, ...found });
  }
  return logs;
}

async function applied(
  stream: Stream,
  configuration: Configuration,
): Promise<{ topics: AppliedTopic[]; logs: AppliedLog[] }> {
  const { seal, ledger } = configuration;
  // The memory first: a topic whose logs could not be recorded would need `adopt` for ever after.
  const memory = seal === undefined ? null : await openMemory(seal.memory, { create: true });
  try {
    const topics = await applyTopics(stream, configuration);
    const logs: AppliedLog[] = [];
    for (const topic of topics) {
      if (memory !== null) logs.push(...(await startLogs(stream, memory, ledger, topic)));
    }
    return { topics, logs };
  } finally {
    await memory?.close();
  }
}

async function apply(options: CommonOptions): Promise<number> {
  return withSession(options, async ({ configuration, stream }) => {
    const { topics, logs } = await applied(stream, configuration);
    if (options.json === true) {
      await printLine(
        toJson({
          stream: stream.url,
          topics: topics.map(({ declaration, description, created }) => ({
            topic: declaration.name,
            topicId: description.topicId,
            partitions: description.partitions,
            created,
          })),
          logs,
        }),
      );
    } else {
      for (const { declaration, description, created } of topics) {
        const what = created ? 'created' : 'exists';
        await printLine(
          `${declaration.name}: ${what}, ${description.partitions} partitions, id ${description.topicId}`,
        );
      }
      for (const { topic, partition, state, reason } of logs) {
        if (state !== 'refused') await printLine(`${topic}/${partition}: ${state}`);
        else tell(`${topic}/${partition}: not started: ${reason}`);
      }
      if (configuration.seal === undefined) {
        tell(
          'No `seal:` in ledger.yaml: start these logs with `sealstream adopt` where one seals.',
        );
      }
    }
    return logs.some(({ state }) => state === 'refused') ? EXIT.tampered : EXIT.done;
  });
}

export function registerApply(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('apply')
    .description('create what ledger.yaml declares, and start the logs it created')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExisting topics are left as they are; logs that the memory does not know need `adopt`.\n' +
        'Exit 1: a log was not started.\n\nExample:\n  sealstream apply --config prod/ledger.yaml',
    )
    .action((options: CommonOptions) => run(apply(options)));
}
