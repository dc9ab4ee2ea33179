import Table from 'cli-table3';
import type { Command } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import {
  type LogStatus,
  type SealedAt,
  type StatusOptions as SealStatusOptions,
  sealStatus,
} from '../sealer/status.js';
import { TOLERANCE_MS } from '../sealer/stream-clock.js';
import { EXIT } from './exit.js';
import { openExisting } from './memory.js';
import { printLine, tell, toJson } from './output.js';
import { paint } from './paint.js';
import {
  type CommonOptions,
  configurationTopic,
  selectLogs,
  verifyingKey,
  withSession,
} from './session.js';

interface StatusOptions extends CommonOptions {
  readonly topic?: string;
}

function isoTime(sealed: SealedAt | null) {
  if (sealed === null) return null;
  const { size, next, time } = sealed;
  return { size, next, time: new Date(time).toISOString() };
}

function jsonOf(status: LogStatus) {
  return {
    ...status,
    head: isoTime(status.head),
    memory: status.memory && { ...status.memory, sealed: isoTime(status.memory.sealed) },
    error: status.error?.message ?? null,
  };
}

function memoryText({ memory }: LogStatus): string {
  if (memory === null) return 'nothing';
  if (memory.sealed === null) return 'started';
  return `${memory.sealed.size}${memory.published ? '' : ' (not published)'}`;
}

function isInFuture(headAgeSeconds: number | null): boolean {
  return headAgeSeconds !== null && -headAgeSeconds * 1000 > TOLERANCE_MS;
}

function ageText(headAgeSeconds: number | null): string {
  if (headAgeSeconds === null) return '';
  return isInFuture(headAgeSeconds) ? 'in the future' : `${Math.round(headAgeSeconds)} s`;
}

function render(all: readonly LogStatus[]): string {
  const table = new Table({
    head: ['topic', 'partition', 'log', 'sealed', 'lag', 'head age', 'memory', 'state'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
  });
  for (const status of all) {
    const { topic, partition, log, head, lagRecords, headAgeSeconds, refusal, error } = status;
    table.push([
      topic,
      String(partition),
      log === null ? '?' : `${log.start} to ${log.end}`,
      head === null ? 'nothing' : String(head.size),
      lagRecords === null ? '?' : String(lagRecords),
      ageText(headAgeSeconds),
      memoryText(status),
      refusal !== null
        ? paint.red(refusal.reason)
        : error !== null
          ? paint.yellow('unknown')
          : 'ok',
    ]);
  }
  return table.toString();
}

interface OwnStatus {
  readonly logs: readonly LogStatus[];
  /** Why nothing can be said of it; null: something is. */
  readonly missing: string | null;
}

const NO_OWN: OwnStatus = { logs: [], missing: null };

/** Of the configuration topic: without it the others can be looked at all the same. */
async function ownStatus(
  place: Omit<SealStatusOptions, 'topics'>,
  topic: string,
): Promise<OwnStatus> {
  try {
    return { logs: await sealStatus({ ...place, topics: [topic] }), missing: null };
  } catch (error) {
    if (!(error instanceof SealstreamError) || error.code === 'internal') throw error;
    return { logs: [], missing: `${topic}: ${error.message}` };
  }
}

async function status(options: StatusOptions): Promise<number> {
  return withSession(options, async ({ configuration, stream }) => {
    const publicKey = await verifyingKey(configuration, options.config);
    const path = configuration.seal?.memory;
    const memory = path === undefined ? null : await openExisting(path);
    try {
      const place = {
        stream,
        ledger: configuration.ledger,
        publicKey,
        memory,
        seals: path !== undefined,
      };
      const topics = selectLogs(configuration, options.topic).map(({ name }) => name);
      const audit = await sealStatus({ ...place, topics });
      const own = options.topic === undefined ? configurationTopic(configuration) : null;
      const { logs, missing } = own === null ? NO_OWN : await ownStatus(place, own.name);
      const all = [...logs, ...audit];
      await printLine(options.json === true ? toJson(audit.map(jsonOf)) : render(all));
      if (missing !== null) tell(missing);
      for (const { topic, partition, refusal, error, headAgeSeconds } of all) {
        const problem = refusal?.message ?? error?.message;
        if (problem !== undefined) tell(`${topic}/${partition}: ${problem}`);
        if (isInFuture(headAgeSeconds)) {
          tell(
            `${topic}/${partition}: the head is dated in the future: once the clocks are right, ` +
              'adopt --correct-clock',
          );
        }
      }
      if (all.some(({ refusal }) => refusal !== null)) return EXIT.tampered;
      const isFailed = missing !== null || all.some(({ error }) => error !== null);
      return isFailed ? EXIT.failed : EXIT.done;
    } finally {
      await memory?.close();
    }
  });
}

export function registerStatus(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('status')
    .description('where every log stands, as a sealer would see it; exit 1: it would refuse one')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--topic <topic>', 'this audit topic only')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  sealstream status --json')
    .action((options: StatusOptions) => run(status(options)));
}
