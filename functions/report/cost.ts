import type { Prices } from './prices.ts'

/** One build of CodeBuild: a machine, from the moment it was asked for. */
export interface MachineTime {
  /** its environment type and compute type, as in the price table */
  machine: string
  /** from its submission to its end, or until now */
  seconds: number
  /** of a fleet that is paid for anyway */
  isReserved: boolean
}

/** What a run cost, in USD. */
export interface RunCost {
  machines: {
    machine: string
    builds: number
    /** each build's rounded up */
    minutes: number
    /** absent without a price */
    usd?: number
  }[]
  usd: number
  /** whole minutes of all builds */
  minutes: number
  bytesAdded: number
  storageUsdPerMonth: number
  /** builds of the run that CodeBuild does not know any more */
  unknownBuilds: number
  /** where the prices are from */
  prices: string
}

/** What no run can know of itself. */
export const NOT_COUNTED = [
  'Macs of your own',
  'reserved fleets',
  'earlier rounds of an evaluation',
  'machines that took no batch or still idle',
  'S3 requests and transfer',
  'Lambda and Step Functions',
]

/**
 * Adds up what the machines of a run cost. CodeBuild takes whole minutes, from submission to end. Source: AWS CodeBuild Pricing, "Pricing details".
 * @param bytesAdded to the cache, compressed
 */
export function costOf(
  times: MachineTime[],
  unknownBuilds: number,
  bytesAdded: number,
  prices: Prices,
): RunCost {
  const paid = times.filter(({ isReserved }) => !isReserved)
  const machines = [...Map.groupBy(paid, ({ machine }) => machine)].map(([machine, builds]) => {
    const minutes = builds.reduce((sum, { seconds }) => sum + Math.ceil(Math.max(0, seconds) / 60), 0)
    const price = prices.minutes[machine]
    return {
      machine,
      builds: builds.length,
      minutes,
      ...(price === undefined ? {} : { usd: minutes * price }),
    }
  })
  return {
    machines: machines.toSorted((a, b) => a.machine.localeCompare(b.machine)),
    usd: machines.reduce((sum, { usd = 0 }) => sum + usd, 0),
    minutes: machines.reduce((sum, { minutes }) => sum + minutes, 0),
    bytesAdded,
    storageUsdPerMonth: (bytesAdded / 1e9) * prices.storage,
    unknownBuilds,
    prices: prices.source,
  }
}

/** `$0.42`; less than a cent with what can be told of it. */
export function formatUsd(usd: number): string {
  if (usd === 0) return '$0'
  if (usd < 0.0001) return 'less than $0.0001'
  return `$${usd < 0.1 ? String(Number(usd.toPrecision(2))) : usd.toFixed(2)}`
}
