import { createReadStream } from 'node:fs';
import { hostname } from 'node:os';
import { type Command, Option } from 'commander';
import { asSealstreamError, type SealstreamError } from '../ledger/error.js';
import { type Publisher, publisher } from '../producer/publisher.js';
import { cloudTrailSource } from '../producer/sources/cloudtrail.js';
import { eventSource } from '../producer/sources/event.js';
import { gitSource } from '../producer/sources/git.js';
import type { Sourced } from '../producer/sources/source.js';
import { EXIT } from './exit.js';
import { counted, printLine, tell, toJson } from './output.js';
import { type Progress, progress } from './progress.js';
import { type CommonOptions, selectTopic, withSession } from './session.js';

type Format = 'event' | 'cloudtrail' | 'git';

interface PublishOptions extends CommonOptions {
  readonly format: Format;
  readonly topic?: string;
}

/** What became of one event, and why. */
interface Unpublished {
  readonly place: string;
  readonly code: string;
  readonly message: string;
}

/** Events whose acknowledgement is awaited at once; the publisher bounds their bytes. */
const WINDOW = 10_000;

/** One refusal of these says nothing about the next event. */
const REFUSALS: ReadonlySet<string> = new Set([
  'input-invalid',
  'event-invalid',
  'record-too-large',
  'record-rejected',
]);

function sourceOf(format: Format, file: string): AsyncIterable<Sourced> {
  if (format === 'git') return gitSource(file === '-' ? '.' : file);
  const input = file === '-' ? process.stdin : createReadStream(file);
  const name = file === '-' ? 'stdin' : file;
  return format === 'cloudtrail' ? cloudTrailSource(input, name) : eventSource(input, name);
}

/** Publishes what sources bring, and keeps count of what became of each piece. */
class Run {
  published = 0;
  /** Wrong in themselves. */
  readonly refused: Unpublished[] = [];
  /** Not written, by what the stream said: the same events may be published again. */
  readonly failed: Unpublished[] = [];
  /** The first failure that ends the run: the stream is gone, or an outcome is unknown. */
  failure: SealstreamError | null = null;
  unknown = 0;
  readonly #publisher: Publisher;
  readonly #bar: Progress;
  readonly #open = new Set<Promise<void>>();

  constructor(to: Publisher, bar: Progress) {
    this.#publisher = to;
    this.#bar = bar;
  }

  async take(sources: Iterable<AsyncIterable<Sourced>>): Promise<void> {
    let last = '';
    for (const source of sources) {
      for await (const piece of source) {
        if ('error' in piece) this.#refuse(piece.place, piece.error);
        else this.#start(piece);
        if (this.#open.size >= WINDOW) await Promise.race(this.#open);
        last = piece.place;
        if (this.failure !== null) break;
      }
      if (this.failure !== null) break;
    }
    if (this.failure !== null) tell(`${last}: read last, since a failure ends the run`);
    await Promise.all(this.#open);
  }

  #start({ event, place }: Extract<Sourced, { event: unknown }>): void {
    const work = this.#publisher.publish(event).then(
      () => {
        this.published += 1;
        this.#bar.update(this.published);
      },
      (error: unknown) => this.#fail(place, asSealstreamError(error, 'internal', place)),
    );
    this.#open.add(work);
    void work.then(() => this.#open.delete(work));
  }

  #fail(place: string, error: SealstreamError): void {
    if (REFUSALS.has(error.code)) {
      this.#refuse(place, error);
      return;
    }
    if (error.code === 'outcome-unknown') {
      this.unknown += 1;
      tell(`${place}: outcome unknown: ${error.message}`);
    } else {
      const { code, message } = error;
      this.failed.push({ place, code, message });
      tell(`${place}: not published: ${message}`);
    }
    this.failure ??= error;
  }

  #refuse(place: string, { code, message }: SealstreamError): void {
    this.refused.push({ place, code, message });
    tell(message.startsWith(place) ? message : `${place}: ${message}`);
  }
}

async function publish(files: readonly string[], options: PublishOptions): Promise<number> {
  return withSession(options, async ({ configuration, stream }) => {
    const { name: topic } = selectTopic(configuration, options.topic);
    const alarms: SealstreamError[] = [];
    const to = await publisher({
      stream,
      topic,
      onLost: ({ error }) => {
        tell(error.message);
        alarms.push(error);
      },
      source: `sealstream://${hostname()}/publish/${options.format}`,
    });
    const bar = progress('publishing', 'events', false);
    const run = new Run(to, bar);
    try {
      const inputs = files.length === 0 ? ['-'] : files;
      await run.take(inputs.map((file) => sourceOf(options.format, file)));
    } finally {
      bar.stop();
      await to.close();
    }
    const { published, refused, failed, unknown } = run;
    const failure = run.failure ?? alarms[0] ?? null;
    if (options.json === true) {
      await printLine(
        toJson({ topic, published, refused, failed, unknown, failure: failure?.message ?? null }),
      );
    } else {
      const rest = [
        ...(refused.length > 0 ? [`${refused.length} refused`] : []),
        ...(failed.length > 0 ? [`${failed.length} not published`] : []),
        ...(unknown > 0 ? [`${unknown} unknown`] : []),
      ];
      const done = `${counted(published, 'event')} published to ${topic}`;
      await printLine([done, ...rest].join(', '));
    }
    if (failure !== null) throw failure;
    return refused.length > 0 ? EXIT.partlyRefused : EXIT.done;
  });
}

export function registerPublish(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('publish')
    .description('publish events from files or stdin; exit 65: some were refused')
    .argument('[FILE...]', 'files, or repositories with --format git; - or none is stdin')
    .addOption(
      new Option('--format <format>', 'what the files hold')
        .choices(['event', 'cloudtrail', 'git'])
        .default('event'),
    )
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--topic <topic>', 'the audit topic, where several are declared')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nA refused line is reported with file and line; the rest goes on.\n\nExamples:\n' +
        '  sealstream publish events.ndjson\n' +
        '  sealstream publish --format cloudtrail logs/*.json.gz\n' +
        '  sealstream publish --format git .',
    )
    .action((files: string[], options: PublishOptions) => run(publish(files, options)));
}
