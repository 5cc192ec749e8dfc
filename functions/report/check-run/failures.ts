import { baseNameOf } from '../../../nix/store-path.ts'
import type { DerivationOutcome } from '../../shared/contract.ts'
import { hasCome } from '../../shared/run-files.ts'
import type { RunReport, ShellReport } from '../run-report.ts'
import { code, codeBlock, link, shorten, visible } from './markdown.ts'

const MOST_LINES = 20
const MOST_LINE = 300
const MOST_MESSAGE = 2000

/** Where the whole log of a derivation's build is. */
export type LogLink = (drvBaseName: string) => string

/**
 * A block for everything that went wrong, the run itself first: what does not evaluate, then what does not build with the last lines of its log. What only lacks
 * another derivation is named by that one.
 */
export function failureBlocks(report: RunReport, logLink: LogLink): string[] {
  const own = report.error === undefined ? [] : [runBlock(report.error)]
  const failed = report.shells.filter(
    ({ state, blame, reason }) => state === 'failed' && blame === undefined && reason !== undefined,
  )
  // What is wrong with a shell is wrong for every system, as a rule: said once.
  const broken = [...Map.groupBy(failed, ({ reason = '' }) => reason)].map(([reason, shells]) =>
    [`#### ${listed(shells.map(nameOf))}`, codeBlock(cut(reason))].join('\n\n'),
  )
  const builds = report.outcomes
    .filter((derivation) => !hasCome(derivation) && derivation.outcome !== 'dependency-failed')
    .map((derivation) => buildBlock(report.run, derivation, logLink))
  return [...own, ...broken, ...builds]
}

function runBlock({ name, message }: { name: string; message: string }): string {
  return [`#### The run itself: ${code(name)}`, codeBlock(cut(message))].join('\n\n')
}

function buildBlock(
  run: string,
  { drvPath, outcome, error, logTail = [], differences = [] }: DerivationOutcome,
  logLink: LogLink,
): string {
  const name = baseNameOf(drvPath)
  const log =
    logTail.length === 0
      ? []
      : [
          codeBlock(
            logTail
              .slice(-MOST_LINES)
              .map((line) => shorten(visible(line), MOST_LINE))
              .join('\n'),
          ),
          `${link('The whole log', logLink(name))}, or ${code(`hearth run log ${run} ${name}`, 400)}`,
        ]
  const differs = differences.map(
    ({ storePath, published, built }) =>
      `- ${code(storePath)}: published ${code(published)}, built ${code(built)}`,
  )
  return [
    `#### ${code(name)}`,
    `${outcome}${error === undefined ? '' : `: ${code(`${error.name}: ${error.message}`, 500)}`}`,
    ...(differs.length === 0 ? [] : [differs.join('\n')]),
    ...log,
  ].join('\n\n')
}

/** Of a flake the system is in the attribute's name, of a file it is not. */
function nameOf({ attribute, system }: ShellReport): string {
  return attribute.includes(system) ? code(attribute) : `${code(attribute)} for ${system}`
}

const MOST_NAMES = 10

function listed(names: string[]): string {
  const rest = names.length - MOST_NAMES
  return names.slice(0, MOST_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

function cut(text: string): string {
  return shorten(text.trim(), MOST_MESSAGE)
}
