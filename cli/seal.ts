import type { Command } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import { isEmbedded } from '../policy/file/configuration.js';
import type { SealedOnce } from '../sealer/seal-once.js';
import { type Sealer, sealer } from '../sealer/sealer.js';
import { startMetricsServer } from '../sealer/server.js';
import { openMemory } from '../store/folder.js';
import { listenPlace } from './arguments.js';
import { EXIT } from './exit.js';
import { INSIST, judgeToSign } from './key-mode.js';
import { counted, printLine, tell, toJson } from './output.js';
import { paint } from './paint.js';
import {
  type CommonOptions,
  configurationTopic,
  loadSigningKey,
  type Session,
  sealSettings,
  selectAllLogs,
  withSession,
} from './session.js';

interface SealOptions extends CommonOptions {
  readonly once?: boolean;
  readonly topic?: string;
  readonly metrics?: { readonly host?: string; readonly port: number };
  readonly insecureKeyMode?: boolean;
}

function describeOnce({ topic, partition, sealed, records, refusal, error }: SealedOnce): string {
  const place = `${topic}/${partition}`;
  if (refusal !== null) {
    const { reason, message } = refusal;
    return paint.red(`${place}: refused: ${reason}: ${message}`);
  }
  if (error !== null) return paint.yellow(`${place}: not sealed: ${error.message}`);
  if (sealed === null) return `${place}: nothing is signed`;
  const time = new Date(sealed.time).toISOString();
  return `${place}: ${counted(records, 'record')} sealed, ${sealed.size} in all, signed ${time}`;
}

/** `apart`: the configuration topic; the JSON document has it not, what is wrong with it is told. */
async function once(running: Sealer, options: SealOptions, apart: string | null): Promise<number> {
  const results = await running.sealOnce();
  if (options.json === true) {
    for (const result of results) {
      const isWrong = result.refusal !== null || result.error !== null;
      if (result.topic === apart && isWrong) tell(describeOnce(result));
    }
    const audit = results.filter(({ topic }) => topic !== apart);
    await printLine(
      toJson(
        audit.map((result) => ({
          ...result,
          sealed: result.sealed && {
            ...result.sealed,
            time: new Date(result.sealed.time).toISOString(),
          },
          error: result.error?.message ?? null,
        })),
      ),
    );
  } else {
    for (const result of results) {
      if (result.refusal === null && result.error === null) await printLine(describeOnce(result));
      else tell(describeOnce(result));
    }
  }
  if (results.some(({ refusal }) => refusal !== null)) return EXIT.tampered;
  return results.some(({ error }) => error !== null) ? EXIT.failed : EXIT.done;
}

/** Seals until SIGTERM or SIGINT, then signs a last checkpoint of every log. */
async function keepSealing(
  running: Sealer,
  options: SealOptions,
  session: Session,
): Promise<number> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    session.logger.info({ signal }, 'stopping: last checkpoints are being published');
    stop.abort();
  };
  process.once('SIGTERM', onSignal);
  process.once('SIGINT', onSignal);
  const server =
    options.metrics === undefined
      ? null
      : await startMetricsServer({ sealer: running, ...options.metrics });
  try {
    if (server !== null) {
      const { host, port } = server;
      session.logger.info({ host, port }, 'metrics are served');
    }
    session.logger.info({ stream: session.stream.url }, 'sealing');
    const logs = await running.run(stop.signal);
    return logs.some(({ refusal }) => refusal !== null) ? EXIT.tampered : EXIT.done;
  } finally {
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
    await server?.close();
  }
}

async function seal(options: SealOptions): Promise<number> {
  if (options.once === true && options.metrics !== undefined) {
    throw new SealstreamError('usage', '--metrics: there is nothing to serve with --once');
  }
  // With --once the results say it all.
  const logLevel = options.once === true ? 'fatal' : 'info';
  return withSession({ ...options, logLevel }, async (session) => {
    const { configuration, stream, logger } = session;
    const settings = sealSettings(configuration, options.config);
    const signingKey = await loadSigningKey(settings.key, judgeToSign(options.insecureKeyMode));
    // An empty folder made here knows no log, so nothing is signed before apply or adopt.
    const memory = await openMemory(settings.memory, { create: true });
    try {
      const timeout = options.once === true ? configuration.kafka?.timeout : undefined;
      const unchecked = (why: string) => tell(`the clock of this host is unchecked: ${why}`);
      // The log is silent then; of the embedded stream it is so by nature, and no news.
      const hooks = options.once === true && !isEmbedded(configuration) ? { unchecked } : {};
      const apart = configurationTopic(configuration)?.name ?? null;
      const running = await sealer({
        ledger: configuration.ledger,
        topics: selectAllLogs(configuration, options.topic).map(({ name }) => name),
        configuration: apart,
        every: settings.every,
        records: settings.records,
        heartbeat: settings.heartbeat,
        ...(timeout === undefined ? {} : { timeout }),
        stream,
        signingKey,
        memory,
        logger,
        hooks,
      });
      return await (options.once === true
        ? once(running, options, options.topic === undefined ? apart : null)
        : keepSealing(running, options, session));
    } finally {
      await memory.close();
    }
  });
}

export function registerSeal(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('seal')
    .description('chain and sign what was published, until stopped; exit 1: a log refused')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--topic <topic>', 'this audit topic only')
    .option('--once', 'every partition, to the end seen at start; then stop')
    .option(
      '--metrics <[host:]port>',
      'serve /metrics and /healthz; without a host on 127.0.0.1, for this machine alone',
      listenPlace('--metrics'),
    )
    .option(
      INSIST,
      'use a signing key though others can use its file: a mounted secret of mode 0440, say',
    )
    .option('--json', 'with --once: print one JSON document')
    .addHelpText(
      'after',
      '\nSIGTERM stops it with a last checkpoint. Several sealers share the partitions.\n\n' +
        'Examples:\n  sealstream seal --once\n  sealstream seal --metrics 9464',
    )
    .action((options: SealOptions) => run(seal(options)));
}
