import type { Command } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import { type Adoption, type AdoptLogOptions, adoptLog } from '../sealer/adopt-log.js';
import { SealRefused } from '../sealer/refusal.js';
import { openMemory } from '../store/folder.js';
import { wholeNumber } from './arguments.js';
import { confirmed, isTerminal } from './confirm.js';
import { EXIT } from './exit.js';
import { INSIST, judgeToSign } from './key-mode.js';
import { printLine, tell, toJson } from './output.js';
import {
  type CommonOptions,
  configurationTopic,
  loadSigningKey,
  sealSettings,
  selectAllLogs,
  withSession,
} from './session.js';

interface AdoptOptions extends CommonOptions {
  readonly topic?: string;
  readonly partition?: number;
  readonly yes?: boolean;
  readonly correctClock?: boolean;
  readonly insecureKeyMode?: boolean;
}

interface Outcome {
  readonly topic: string;
  readonly partition: number;
  readonly adoption: Adoption | null;
  readonly refused: string | null;
  /** What kept us from looking; the other logs are adopted all the same. */
  readonly error: string | null;
}

type Target = Omit<AdoptLogOptions, 'yes'>;

async function attempt(target: Target, yes: boolean): Promise<Outcome> {
  const { topic, partition } = target;
  try {
    const adoption = await adoptLog({ ...target, yes });
    return { topic, partition, adoption, refused: null, error: null };
  } catch (error) {
    if (!(error instanceof SealstreamError) || error.code === 'internal') throw error;
    const { message } = error;
    const isRefused = error instanceof SealRefused || error.class === 'data';
    const why = isRefused ? { refused: message, error: null } : { refused: null, error: message };
    return { topic, partition, adoption: null, ...why };
  }
}

function describeOutcome({ topic, partition, adoption, refused, error }: Outcome): string {
  if (error !== null) return `${topic}/${partition}: not adopted: ${error}`;
  if (adoption === null) return `${topic}/${partition}: refused: ${refused}`;
  return adoption.done ? `adopted: ${adoption.message}` : adoption.message;
}

function isCorrected({ adoption, error }: Outcome): boolean {
  return error !== null || adoption?.action === 'correct-clock';
}

async function adoptAll(targets: readonly Target[], options: AdoptOptions): Promise<Outcome[]> {
  const planned: Outcome[] = [];
  for (const target of targets) planned.push(await attempt(target, options.yes === true));
  for (const outcome of planned) tell(describeOutcome(outcome));
  const open = targets.filter((_, index) => {
    const adoption = planned[index]?.adoption;
    return adoption != null && adoption.action !== 'none' && !adoption.done;
  });
  if (open.length === 0) return planned;
  if (options.json === true || !isTerminal() || !(await confirmed('Do this?'))) {
    tell('Nothing was written. Add --yes to do this.');
    return planned;
  }
  const done = await Promise.all(open.map((target) => attempt(target, true)));
  return planned.map(
    (outcome) =>
      done.find(
        ({ topic, partition }) => topic === outcome.topic && partition === outcome.partition,
      ) ?? outcome,
  );
}

async function adopt(options: AdoptOptions): Promise<number> {
  return withSession(options, async ({ configuration, stream }) => {
    const seal = sealSettings(configuration, options.config);
    const { publicKey } = await loadSigningKey(seal.key, judgeToSign(options.insecureKeyMode));
    const memory = await openMemory(seal.memory, { create: true });
    try {
      const targets: Target[] = [];
      let isFailed = false;
      const own = options.topic === undefined ? configurationTopic(configuration)?.name : null;
      for (const { name: topic } of selectAllLogs(configuration, options.topic)) {
        const description = await stream.describe(topic).catch((error: unknown) => {
          // The others can be adopted all the same.
          if (topic !== own || !(error instanceof SealstreamError)) throw error;
          tell(`${topic}: not adopted: ${error.message}`);
          isFailed = true;
          return undefined;
        });
        if (description === undefined) continue;
        if (description === null && topic === own) {
          tell(`${topic} does not exist on ${stream.url}; \`sealstream apply\` creates it`);
          continue;
        }
        if (description === null) {
          throw new SealstreamError(
            'topic-missing',
            `${topic} does not exist on ${stream.url}; \`sealstream apply\` creates it`,
          );
        }
        for (let partition = 0; partition < description.partitions; partition += 1) {
          if (options.partition !== undefined && options.partition !== partition) continue;
          targets.push({
            stream,
            memory,
            ledger: configuration.ledger,
            topic,
            partition,
            publicKey,
            correctClock: options.correctClock === true,
          });
        }
      }
      if (targets.length === 0) {
        throw new SealstreamError('usage', `--partition ${options.partition}: there is none`);
      }
      const outcomes = await adoptAll(targets, options);
      if (options.json === true) {
        await printLine(
          toJson(
            outcomes.map(({ topic, partition, adoption, refused, error }) => ({
              ...(adoption ?? { topic, partition }),
              refused,
              error,
            })),
          ),
        );
      }
      if (outcomes.some(({ refused }) => refused !== null)) return EXIT.tampered;
      if (options.correctClock === true && !outcomes.some(isCorrected)) {
        tell('No newest checkpoint of these logs lies in the future: refused.');
        return EXIT.tampered;
      }
      return isFailed || outcomes.some(({ error }) => error !== null) ? EXIT.failed : EXIT.done;
    } finally {
      await memory.close();
    }
  });
}

export function registerAdopt(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('adopt')
    .description('seal a log that the memory does not know; shows what it would do first')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--topic <topic>', 'this audit topic only')
    .option('--partition <n>', 'this partition only', wholeNumber('--partition', 0, 2 ** 31 - 1))
    .option('--yes', 'do it, without asking')
    .option(
      '--correct-clock',
      'say that the time of the newest checkpoint was wrong and lies in the future; nothing else',
    )
    .option(
      INSIST,
      'use a signing key though others can use its file: a mounted secret of mode 0440, say',
    )
    .option('--json', 'print one JSON document; never asks')
    .addHelpText(
      'after',
      '\nA log with a published head is recomputed up to it, and refused where it differs (exit 1).\n' +
        'For a topic that was made again a new log starts, and the old one stays on record.\n' +
        'With --correct-clock the next checkpoint that seals a new record goes back to the present,\n' +
        'and says so; refused (exit 1) where no newest checkpoint lies in the future.\n\n' +
        'Examples:\n  sealstream adopt\n  sealstream adopt --topic audit --partition 2 --yes',
    )
    .action((options: AdoptOptions) => run(adopt(options)));
}
