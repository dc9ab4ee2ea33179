/** A plan as people and machines read it. */
import { CATALOGUE, UNSEEN } from '../policy/catalogue/catalogue.js';
import { type Difference, isPending, isRefused } from '../policy/plan/difference.js';
import { counted, printable, tell } from './output.js';
import { isPainting, paints } from './paint.js';

const ABSENT = 'absent';

/** Text of a cluster on one line. */
function shown(text: string | null): string {
  return text === null ? ABSENT : printable(text).replaceAll('\n', ' ');
}

/** Lines grouped by subject; what a cluster says is without control characters. */
export function planLines(
  differences: readonly Difference[],
  colored: boolean = isPainting,
): string[] {
  const { bold, cyan, dim, green, red, yellow } = paints(colored);
  const lineOf = (difference: Difference): string[] => {
    const { field, found, wanted, effect, by, waiver, remedy, code } = difference;
    const change = `${shown(field)}: ${shown(found)} -> ${shown(wanted)}`;
    const told = dim(`      ${code}: ${shown(remedy)}`);
    if (waiver === null && by === 'broker') {
      const value = found === null ? 'hidden' : shown(found);
      return [dim(`  · ${shown(field)}: ${value}, by the broker's own file (${code})`)];
    }
    if (!isPending(difference)) {
      const until = `waived until ${waiver?.until}: ${shown(waiver?.reason ?? '')}`;
      return [dim(`  = ${change} (${until})`)];
    }
    if (isRefused(difference)) return [red(`  ! ${change} (refused)`), told];
    if (effect === 'loosens') {
      const until = `loosens, waived until ${waiver?.until}: ${shown(waiver?.reason ?? '')}`;
      return [yellow(`  - ${change} (${until})`)];
    }
    if (by === 'nobody') return [red(`  ! ${change} (gone)`), told];
    if (UNSEEN.has(code)) return [yellow(`  ? ${shown(field)}: cannot be seen`), told];
    if (effect === 'none') return [yellow(`  ? ${change}`), told];
    if (by === 'operator') return [yellow(`  ~ ${change} (by an operator)`), told];
    return [effect === 'tightens' ? cyan(`  ~ ${change}`) : green(`  + ${change}`)];
  };
  const subjects = new Map<string, Difference[]>();
  for (const difference of differences) {
    const { subject } = difference;
    subjects.set(subject, [...(subjects.get(subject) ?? []), difference]);
  }
  const lines = [...subjects].flatMap(([subject, group]) => [
    bold(shown(subject)),
    ...group.flatMap(lineOf),
  ]);
  return [...lines, summary(differences)];
}

/** On stderr. */
export function tellPlan(differences: readonly Difference[]): void {
  for (const line of planLines(differences)) tell(line);
}

function summary(differences: readonly Difference[]): string {
  const pending = differences.filter(isPending);
  const waived = differences.filter((each) => !isPending(each) && each.waiver !== null).length;
  const told = differences.length - pending.length - waived;
  const kept =
    (waived === 0 ? '' : `, ${waived} waived`) +
    (told === 0 ? '' : `; ${told} of brokers' own files are for doctor`);
  if (pending.length === 0) return `Nothing to do: the cluster is as declared${kept}.`;
  const refused = pending.filter(isRefused).length;
  const own = pending.filter((each) => each.by === 'apply' && !isRefused(each)).length;
  const others = pending.length - own - refused;
  return (
    `${counted(pending.length, 'change')}: ${own} by apply, ${others} by others, ` +
    `${refused} refused${kept}.`
  );
}

/** One change of `--json`. */
export function plainDifference(difference: Difference): object {
  const { change: _, ...told } = difference;
  const { severity } = CATALOGUE[difference.code];
  return { ...told, severity, refused: isRefused(difference) };
}
