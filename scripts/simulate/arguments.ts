import { parseArgs, type ParseArgsConfig } from 'node:util'
import { SHAPES } from './shapes.ts'
import { defaultWorld, type WorldSettings } from './world.ts'

/** A command line that cannot be understood. */
export class WrongArguments extends Error {
  override name = 'WrongArguments'
}

export interface SimulateArguments {
  /** generated ones as shape and count, others as a file */
  graphs: ({ shape: string; count: number } | { file: string })[]
  builders: number[]
  /** `builders` is one of the above at a time */
  world: WorldSettings
  json: boolean
  gantt: string | undefined
  help: boolean
}

/** Options that are a number of the world, with their least and greatest value. */
const NUMBERS: Record<string, { setting: keyof WorldSettings; least: number; most: number; says: string }> = {
  slots: { setting: 'slots', least: 1, most: 256, says: 'derivations that a machine builds at once' },
  'start-up': {
    setting: 'startUpSeconds',
    least: 0,
    most: 3600,
    says: 'seconds from startBuild to the first job',
  },
  publish: {
    setting: 'publishSeconds',
    least: 0,
    most: 3600,
    says: 'seconds of upload and Publish after a build',
  },
  take: { setting: 'takeSeconds', least: 0, most: 3600, says: 'seconds from there to the next batch' },
  idle: {
    setting: 'idleSeconds',
    least: 0,
    most: 86_400,
    says: 'seconds until a machine without a job exits',
  },
  heartbeat: {
    setting: 'heartbeatSeconds',
    least: 0,
    most: 3600,
    says: 'seconds until a silent machine is lost',
  },
  turn: {
    setting: 'turnSeconds',
    least: 0,
    most: 3600,
    says: 'seconds between the reports of a machine (rolling)',
  },
  deaths: { setting: 'deathsPerHour', least: 0, most: 1000, says: 'how often a machine dies in an hour' },
  failures: { setting: 'failureRate', least: 0, most: 1, says: 'which part of the derivations fails' },
  noise: {
    setting: 'noise',
    least: 0,
    most: 3,
    says: 'how wrong expected seconds are: sigma of the logarithm',
  },
  seed: { setting: 'seed', least: 0, most: 2 ** 32 - 1, says: 'of everything random' },
}

const GREATEST_COUNT = 200_000

export const USAGE = `npm run simulate [-- GRAPH... [OPTION...]]

Plays runs with the very functions that Take uses, and compares them with list scheduling that knows every duration, starts all machines at
once, and hands results over in no time ("reference": that, and one start-up). "bound": no schedule is shorter.

GRAPH is a file of \`hearth graph export\`, or SHAPE:COUNT (500 and 2,000 of each shape when none is given):
${SHAPES.map(({ name, describes }) => `  ${name.padEnd(12)} ${describes}`).join('\n')}

  --builders N,N  machines at a time for each system (1,4,20)
  --publishing W  rolling: what is finished is published, and the machine is given more while it builds on; whole: a batch is
                  published when all of it is built, as on Macs (${defaultWorld.publishing})
${Object.entries(NUMBERS)
  .map(([name, { setting, says }]) => `  --${`${name} N`.padEnd(13)} ${says} (${defaultWorld[setting]})`)
  .join('\n')}
  --gantt FILE    draws the run as SVG; for one graph and one number of builders
  --json          prints one JSON document
`

const OPTIONS: NonNullable<ParseArgsConfig['options']> = {
  ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: 'string' as const }])),
  builders: { type: 'string' },
  publishing: { type: 'string' },
  gantt: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
}

/** @throws WrongArguments which says what is wrong */
export function parseArguments(args: string[]): SimulateArguments {
  const { values, positionals } = parsed(args)
  const text = (name: string): string | undefined => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  const world: WorldSettings = { ...defaultWorld }
  for (const [name, { setting, least, most }] of Object.entries(NUMBERS)) {
    const value = text(name)
    if (value !== undefined) Object.assign(world, { [setting]: numberOf(`--${name}`, value, least, most) })
  }
  const publishing = text('publishing') ?? world.publishing
  if (publishing !== 'whole' && publishing !== 'rolling')
    throw new WrongArguments(`--publishing is whole or rolling, not ${publishing}`)
  for (const name of ['slots', 'seed'] as const) wholeNumber(`--${name}`, world[name])
  const builders = (text('builders') ?? '1,4,20')
    .split(',')
    .map((one) => wholeNumber('--builders', numberOf('--builders', one, 1, 1000)))
  const graphs = positionals.length > 0 ? positionals.map(graphOf) : everyShape()
  const gantt = text('gantt')
  if (gantt !== undefined && graphs.length * builders.length !== 1)
    throw new WrongArguments('--gantt draws one run: name one graph and one number of builders')
  return {
    graphs,
    builders,
    world: { ...world, publishing },
    gantt,
    json: values['json'] === true,
    help: values['help'] === true,
  }
}

function parsed(args: string[]): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args, allowPositionals: true, options: OPTIONS })
  } catch (error) {
    throw new WrongArguments(error instanceof Error ? error.message : String(error))
  }
}

function graphOf(text: string): SimulateArguments['graphs'][number] {
  const [shape = '', count] = text.split(':')
  if (!SHAPES.some(({ name }) => name === shape)) return { file: text }
  if (count === undefined)
    throw new WrongArguments(`${shape} needs a number of derivations, such as ${shape}:500`)
  return { shape, count: wholeNumber(shape, numberOf(shape, count, 1, GREATEST_COUNT)) }
}

function everyShape(): SimulateArguments['graphs'] {
  return SHAPES.flatMap(({ name }) => [500, 2000].map((count) => ({ shape: name, count })))
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = text.trim() === '' ? NaN : Number(text)
  if (!(value >= least && value <= most))
    throw new WrongArguments(`${name} takes a number from ${least} to ${most}, not "${text}"`)
  return value
}

function wholeNumber(name: string, value: number): number {
  if (!Number.isInteger(value)) throw new WrongArguments(`${name} takes a whole number, not ${value}`)
  return value
}
