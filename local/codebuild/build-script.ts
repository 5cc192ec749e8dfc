import { COMMAND_PHASES, type Buildspec, type CommandPhase } from './buildspec.ts'

/** What the build's shell says of itself, in lines of its own on standard output. */
export type ScriptEvent =
  | { kind: 'phase-started'; phase: CommandPhase }
  | { kind: 'command'; phase: CommandPhase; list: CommandList; index: number; command: string }
  | { kind: 'phase-ended'; phase: CommandPhase; status: number }
  | { kind: 'finished' }

export type CommandList = 'commands' | 'finally'

/** Where a shell begins, or goes on after a command that ended the one before it. */
export interface Position {
  phase: CommandPhase
  /** how many of the phase's commands are over */
  done: Record<CommandList, number>
  /** exit status of the phase so far */
  status: number
}

export const BEGINNING: Position = { phase: 'INSTALL', done: { commands: 0, finally: 0 }, status: 0 }

/** Files that hold a shell's exported variables and its working directory. */
export interface ShellState {
  environment: string
  directory: string
}

export interface ScriptOptions {
  buildspec: Buildspec
  from: Position
  /** what the shell leaves behind when it ends */
  leaves: ShellState
  /** what it takes up from the one before it; none for the first */
  takesUp: ShellState | undefined
  /** begins every line that the script says of itself, so that no command's output is taken for one; letters and digits */
  nonce: string
}

/**
 * A bash script that runs a build's commands one after the other in one shell: what a command exports, and where it changes to, holds for the
 * next one. A command that fails ends its phase; a failing INSTALL or PRE_BUILD ends the build, after a failing BUILD comes POST_BUILD.
 * Source: CodeBuild user guide, "Build phase transitions" and "Shells and commands in build environments".
 * A command that says `exit` ends the shell, but not the build: another script goes on from there.
 */
export function buildScript({ buildspec, from, leaves, takesUp, nonce }: ScriptOptions): string {
  const phases = COMMAND_PHASES.slice(COMMAND_PHASES.indexOf(from.phase))
  const lines = [
    // One stream: the order of what commands write to either one is part of the log.
    'exec 2>&1 </dev/null',
    ...(takesUp === undefined
      ? []
      : [`source ${quote(takesUp.environment)}`, `cd "$(<${quote(takesUp.directory)})"`]),
    `trap ${quote(`export -p >${quote(leaves.environment)}; pwd >${quote(leaves.directory)}`)} EXIT`,
    ...phases.flatMap((phase) =>
      phaseLines(
        buildspec,
        phase === from.phase ? from : { ...BEGINNING, phase },
        nonce,
        takesUp !== undefined && phase === from.phase,
      ),
    ),
    say(nonce, 'finished'),
  ]
  return `${lines.join('\n')}\n`
}

function phaseLines(buildspec: Buildspec, from: Position, nonce: string, goesOn: boolean): string[] {
  const { phase, done, status } = from
  const run = (list: CommandList, whenRun: (index: number, text: string) => string[]): string[] =>
    buildspec.phases[phase][list].flatMap((text, index) => (index < done[list] ? [] : whenRun(index, text)))
  return [
    ...(goesOn ? [] : [say(nonce, `phase-started ${phase}`)]),
    `HEARTH_PHASE_STATUS=${status}`,
    ...run('commands', (index, text) => [
      'if [ "$HEARTH_PHASE_STATUS" = 0 ]; then',
      say(nonce, `command ${phase} commands ${index}`),
      `eval ${quote(text)}`,
      'HEARTH_PHASE_STATUS=$?',
      'fi',
    ]),
    ...run('finally', (index, text) => [
      say(nonce, `command ${phase} finally ${index}`),
      `eval ${quote(text)}`,
      '[ "$?" = 0 ] || HEARTH_PHASE_STATUS=1',
    ]),
    '[ "$HEARTH_PHASE_STATUS" = 0 ] || export CODEBUILD_BUILD_SUCCEEDING=0',
    say(nonce, `phase-ended ${phase} $HEARTH_PHASE_STATUS`),
    ...(endsTheBuild(phase)
      ? [`if [ "$HEARTH_PHASE_STATUS" != 0 ]; then ${say(nonce, 'finished')}; exit; fi`]
      : []),
  ]
}

function endsTheBuild(phase: CommandPhase): boolean {
  return phase === 'INSTALL' || phase === 'PRE_BUILD'
}

/** The newline before it ends whatever a command left without one. */
function say(nonce: string, words: string): string {
  return `printf '\\n%s %s\\n' ${nonce} "${words}"`
}

/**
 * What a line of output says of the build, when the script wrote it.
 * @returns undefined for a line that a command wrote
 */
export function parseScriptEvent(line: string, nonce: string, buildspec: Buildspec): ScriptEvent | undefined {
  const [mark, kind, name, detail, index] = line.split(' ')
  if (mark !== nonce) return undefined
  if (kind === 'finished') return { kind }
  const phase = COMMAND_PHASES.find((known) => known === name)
  if (phase === undefined) return undefined
  if (kind === 'phase-started') return { kind, phase }
  if (kind === 'phase-ended') return { kind, phase, status: Number(detail) }
  if (kind !== 'command') return undefined
  const list = detail === 'finally' ? 'finally' : 'commands'
  return {
    kind,
    phase,
    list,
    index: Number(index),
    command: buildspec.phases[phase][list][Number(index)] ?? '',
  }
}

/** A shell word that stands for exactly this text. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
