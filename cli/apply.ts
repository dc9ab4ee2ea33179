import { hostname } from 'node:os';
import type { Command } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import { UNSEEN } from '../policy/catalogue/catalogue.js';
import { dayOf } from '../policy/file/waiver.js';
import { applicable, applyDifferences, describeApplied } from '../policy/plan/apply.js';
import { desiredTopics } from '../policy/plan/desired.js';
import { type Difference, isPending, isRefused } from '../policy/plan/difference.js';
import { hiddenDifferences, hiddenForGood, hiddenLine } from '../policy/plan/hidden.js';
import { type Observed, observe } from '../policy/plan/observed.js';
import { plan } from '../policy/plan/plan.js';
import { configurationRecord } from '../policy/plan/recorded.js';
import { publisher } from '../producer/publisher.js';
import { openMemory } from '../store/folder.js';
import { withoutAdopted } from './adopted-starts.js';
import { LogStarter } from './apply-logs.js';
import {
  type AppliedConfiguration,
  type AppliedTopic,
  type ApplyReport,
  applyJson,
  printApplied,
} from './apply-report.js';
import { confirmed, isTerminal } from './confirm.js';
import { EXIT } from './exit.js';
import { type LedgerSession, withLedger } from './ledger-session.js';
import { printLine, tell } from './output.js';
import { tellPlan } from './plan-report.js';
import type { CommonOptions } from './session.js';

interface ApplyOptions extends CommonOptions {
  readonly yes?: boolean;
}

/** What goes ahead because of a waiver. */
function loosened(differences: readonly Difference[]): Difference[] {
  return differences.filter((each) => each.effect === 'loosens' && each.by === 'apply');
}

/**
 * What the file asks and `apply` cannot do, or could not see whether it is so; the rest of an
 * operator's work is told only.
 */
function isUnmet({ code, topic, by, effect }: Difference): boolean {
  if (UNSEEN.has(code)) return code !== 'broker-settings-unseen';
  return topic !== null && by === 'operator' && (effect === 'adds' || effect === 'tightens');
}

/** null: go ahead; else the exit code. Nothing was changed yet. */
async function held(
  differences: readonly Difference[],
  principals: readonly string[],
  { json, yes }: ApplyOptions,
): Promise<number | null> {
  if (differences.some(isRefused)) {
    tell('Refused: `apply` only adds and tightens. Nothing was changed.');
    return EXIT.tampered;
  }
  const hidden = hiddenForGood(differences, principals);
  if (hidden.length > 0) {
    // Half of a file enforced and recorded would pass for the whole.
    for (const each of hidden) tell(`sealstream: ${hiddenLine(each)}`);
    tell('What cannot be seen cannot be enforced. Nothing was changed.');
    return EXIT.failed;
  }
  const records = differences.some((each) => isPending(each) && each.change?.kind === 'record');
  if (yes === true || (applicable(differences).length === 0 && !records)) return null;
  if (json !== true && isTerminal()) {
    if (await confirmed('Do this?')) return null;
    tell('Nothing was changed.');
    return EXIT.pending;
  }
  if (loosened(differences).length === 0) return null;
  tell('This loosens the ledger by a waiver, which needs --yes. Nothing was changed.');
  return EXIT.tampered;
}

interface Work extends LedgerSession {
  readonly observed: Observed;
  readonly differences: readonly Difference[];
}

/** Topics, settings, rules and quotas; each log is started as soon as its partition is there. */
async function change(
  { stream, administration, declared, observed, differences }: Work,
  starter: LogStarter,
): Promise<{ changed: Difference[]; created: Set<string> }> {
  const sealed = new Set(
    desiredTopics(declared.configuration)
      .filter(({ role }) => role !== 'checkpoints')
      .map(({ specification }) => specification.topic),
  );
  const changed: Difference[] = [];
  const created = new Set<string>();
  for await (const applied of applyDifferences(administration, stream, differences)) {
    const { difference } = applied;
    changed.push(difference);
    const { change } = difference;
    if (change?.kind === 'create-topic') {
      const { topic, partitions } = change.specification;
      if (applied.created) created.add(topic);
      if (!applied.created || !sealed.has(topic)) continue;
      await starter.take(await describeApplied(stream, topic, partitions), 0);
    } else if (change?.kind === 'partitions' && sealed.has(change.topic)) {
      const { topic, total } = change;
      const before = observed.topics.get(topic)?.partitions.length ?? total;
      await starter.take(await describeApplied(stream, topic, total), before);
    }
  }
  return { changed, created };
}

const LOOKS = 20;
const PAUSE_MS = 250;

/**
 * An admin of the file may have no right yet on a topic that is new in it. The rules that it has just
 * added may give it one, as soon as every broker knows them: then everything is looked at again. null:
 * nothing was hidden. Throws `unauthorized` where something stays hidden.
 */
async function afterRights(work: Work, changed: readonly Difference[]): Promise<Work | null> {
  const { stream, administration, declared } = work;
  if (hiddenDifferences(work.differences).length === 0) return null;
  for (let look = 1; ; look += 1) {
    const now = await observe(administration, stream, declared.configuration);
    const differences = plan(declared, now, dayOf(new Date()));
    const [hidden] = hiddenDifferences(differences);
    if (hidden === undefined) {
      // The waived loosenings of before were consented to, and belong in the event.
      const done = loosened(changed).map((each) => ({ ...each, change: null }));
      return { ...work, observed: now, differences: [...done, ...differences] };
    }
    if (look === LOOKS) throw new SealstreamError('unauthorized', hiddenLine(hidden));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Appended last: the event says that everything before it was applied. */
async function record(work: Work): Promise<bigint | null> {
  const { stream, declared, observed, differences, actor } = work;
  const pending = differences.find((each) => isPending(each) && each.change?.kind === 'record');
  const { recorded } = observed;
  if (pending?.change?.kind !== 'record' || recorded instanceof SealstreamError) return null;
  const { topic } = pending.change;
  const topicIds = new Map<string, string>();
  for (const { specification } of desiredTopics(declared.configuration)) {
    const { topicId } = await describeApplied(stream, specification.topic, 1);
    topicIds.set(specification.topic, topicId);
  }
  const { event, key, headers } = configurationRecord({
    declared,
    actor,
    before: recorded,
    loosened: loosened(differences),
    topicIds,
  });
  const source = `sealstream://${hostname()}/apply`;
  const out = await publisher({ stream, topic, source });
  try {
    return (await out.publish(event, { key, headers })).offset;
  } finally {
    await out.close();
  }
}

async function applied(work: Work): Promise<ApplyReport> {
  const { stream, declared, differences } = work;
  const { seal, ledger, topics, configuration } = declared.configuration;
  // The memory first: a topic whose logs could not be recorded would need `adopt` for ever after.
  const memory = seal === undefined ? null : await openMemory(seal.memory, { create: true });
  try {
    const starter = new LogStarter(stream, memory, ledger);
    const first = await change(work, starter);
    const again = await afterRights(work, first.changed);
    const second = again === null ? null : await change(again, starter);
    const changed = [...first.changed, ...(second?.changed ?? [])];
    const created = new Set([...first.created, ...(second?.created ?? [])]);
    const look = async (topic: string): Promise<AppliedTopic> => {
      const description = await describeApplied(stream, topic, 1);
      await starter.take(description, Number.POSITIVE_INFINITY);
      return { description, created: created.has(topic), logs: starter.of(topic) };
    };
    const audit: AppliedTopic[] = [];
    for (const { name } of topics) audit.push(await look(name));
    let own: AppliedConfiguration | null = null;
    if (configuration !== undefined) {
      const offset = await record(again ?? work);
      own = { ...(await look(configuration.topic)), hash: declared.hash, offset };
    }
    const remaining = (again?.differences ?? differences).filter(
      (each) => isPending(each) && each.by !== 'apply',
    );
    return { stream: stream.url, topics: audit, configuration: own, changed, remaining };
  } finally {
    await memory?.close();
  }
}

async function apply(options: ApplyOptions): Promise<number> {
  return withLedger(options, async (session) => {
    const { administration, stream, declared } = session;
    const observed = await observe(administration, stream, declared.configuration);
    const found = plan(declared, observed, dayOf(new Date()));
    const differences = await withoutAdopted(found, observed, declared.configuration);
    if (options.json !== true || differences.some(isRefused)) tellPlan(differences);
    const code = await held(differences, session.principals, options);
    if (code !== null) return code;
    const report = await applied({ ...session, observed, differences });
    if (options.json === true) await printLine(applyJson(report));
    else await printApplied(report, declared.configuration.seal);
    const { topics, configuration, remaining } = report;
    const logs = [...topics, ...(configuration === null ? [] : [configuration])].flatMap(
      ({ logs }) => logs,
    );
    const refused = logs.some(({ state }) => state === 'refused');
    return refused || remaining.some(isUnmet) ? EXIT.tampered : EXIT.done;
  });
}

export function registerApply(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('apply')
    .description('make the cluster what ledger.yaml declares, and start the logs it created')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--yes', 'do it, without asking; also what a waiver lets loosen')
    .option('--json', 'print one JSON document; never asks')
    .addHelpText(
      'after',
      '\nShows the plan, and asks on a terminal. It only adds and tightens; what would loosen is\n' +
        'refused without a waiver. Nothing is ever deleted, and it may be run again at any time.\n' +
        'Logs that the memory does not know need `adopt`. Exit 1: a change was refused, a log was\n' +
        'not started, or a topic cannot be made as declared; 2: not confirmed; 70: something that\n' +
        'is declared cannot be seen, so nothing was changed.\n\n' +
        'Example:\n  sealstream apply --config prod/ledger.yaml --yes',
    )
    .action((options: ApplyOptions) => run(apply(options)));
}
