import { styleText } from 'node:util'
import type { LaneWait } from '../../../functions/shared/contract.ts'
import type { LiveDerivation, LiveLane, LiveRun, LiveSystem } from './live-run.ts'

// A bar of 24 cells leaves room for the numbers on a terminal of 80.
const BAR = 24
// More derivations of one lane than these are told by number.
const MOST_NAMES = 6

/** A run that is at work, as a tree: systems, lanes, and the derivations that they have. */
export function formatLive(live: LiveRun): string[] {
  return [styleText('bold', `${live.run}, wave ${live.wave}`), ...live.systems.flatMap(formatSystem)]
}

function formatSystem({ system, total, published, failed, secondsLeft, lanes }: LiveSystem): string[] {
  const share = total === 0 ? 1 : (published + failed) / total
  const bar = '█'.repeat(Math.round(share * BAR)).padEnd(BAR, '░')
  const failures = failed === 0 ? '' : styleText('red', `, ${failed} failed`)
  const left = published + failed < total ? `, about ${formatSeconds(secondsLeft)} left` : ''
  return [
    `  ${system.padEnd(16)} ${bar} ${published} of ${total} published${failures}${left}`,
    ...lanes.flatMap((lane) => formatLane(lane)),
  ]
}

function formatLane({ slot, hand, waits }: LiveLane): string[] {
  if (hand !== undefined)
    return [`    machine ${slot}: ${formatDerivations(hand.flatMap(({ derivations }) => derivations))}`]
  if (waits === undefined) return []
  return waits.length === 0
    ? [`    machine ${slot}: waits for what the others are building`]
    : waits.map((wait) => `    machine ${slot}: ${formatWait(wait)}`)
}

function formatWait(wait: LaneWait): string {
  if (wait.for === 'machine') return `waits for a machine for ${wait.system} (\`hearth worker\`)`
  return `waits for the run ${wait.run}, which is building ${wait.derivations.length} derivations that this one needs`
}

function formatDerivations(derivations: LiveDerivation[]): string {
  const by = Object.groupBy(derivations, ({ status }) => status)
  const parts = (['building', 'uploading', 'staged', 'published', 'failed', 'waiting'] as const).flatMap(
    (status) => {
      const list = by[status] ?? []
      if (list.length === 0) return []
      const isTold = status === 'building' || status === 'uploading' || status === 'failed'
      const names = list.slice(0, MOST_NAMES).map(({ name }) => name)
      const more = list.length > MOST_NAMES ? ` and ${list.length - MOST_NAMES} more` : ''
      return [isTold ? `${status} ${names.join(', ')}${more}` : `${list.length} ${status}`]
    },
  )
  return parts.join('; ')
}

/** `40 s`, `12 min`, `2 h 5 min` */
export function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  const minutes = Math.ceil(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
