import { parse } from 'yaml'
import * as z from 'zod/mini'
import { ATTRIBUTE_FORM, isForSomeSystem, parseAttribute } from './attributes.ts'
import { HearthError } from './errors.ts'
import { explainFindings } from './findings.ts'

/** `hearth.yml`: what a deployment keeps warm. */
export class InvalidConfig extends HearthError {
  override name = 'InvalidConfig'
}

const Url = z
  .string()
  .check(z.regex(/^https?:\/\/[^\s]+[^/\s]$/, 'expected an http(s) URL without a slash at its end'))
// Nix's key format: a name, a colon, 32 bytes of Ed25519 in base64.
const PublicKey = z
  .string()
  .check(z.regex(/^[^:\s]+:[A-Za-z0-9+/]{43}=$/, 'expected a Nix public key, name:base64'))
// GitHub: owner and repository; the names become parts of S3 keys and execution names.
const RepositoryName = z.string().check(z.regex(/^[\w.-]+\/[\w.-]+$/, 'expected owner/name'))
const SystemName = z
  .string()
  .check(z.regex(/^[a-z0-9_]+-[a-z0-9]+$/, 'expected a Nix system such as x86_64-linux'))
const Attribute = z.string().check(z.refine((text) => parseAttribute(text) !== undefined, ATTRIBUTE_FORM))
const Branch = z
  .string()
  .check(z.regex(/^[^\s~^:?\\]+$/, 'expected a branch name; * stands for anything but a slash'))

const Tag = z
  .string()
  .check(z.regex(/^[^\s~^:?\\]+$/, 'expected the name of a tag; * stands for anything but a slash'))

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const
// Hours of UTC. Sunday night, before the working week.
const Schedule = z.union([
  z.enum(['weekly', 'daily', 'never']),
  z.strictObject({
    days: z._default(z.array(z.enum(DAYS)).check(z.minLength(1)), [...DAYS]),
    hour: z.number().check(z.int(), z.minimum(0), z.maximum(23)),
  }),
])

const Repository = z.strictObject({
  name: RepositoryName,
  refs: z.array(Branch).check(z.minLength(1)),
  tags: z._default(z.array(Tag), []),
  // when all of it is looked at again, also when nobody pushed
  schedule: z._default(Schedule, 'weekly'),
  // other private repositories of the same owner that evaluating it may read
  privateInputs: z._default(z.array(RepositoryName), []),
  attributes: z._default(z.array(Attribute).check(z.minLength(1)), ['devShells']),
  systems: z.array(SystemName).check(z.minLength(1)),
  // Whoever reads the cache can read them then.
  flakeInputs: z.optional(z.boolean()),
})

// CodeBuild's BUILD_GENERAL1_LARGE, which resources/builders.yml uses, has 8 vCPUs.
const SLOTS = 8

const Builder = z.strictObject({
  machines: z._default(z.number().check(z.int(), z.positive()), 10),
  slots: z._default(z.number().check(z.int(), z.positive()), SLOTS),
  features: z._default(z.array(z.string().check(z.minLength(1))), []),
  // of Macs that nobody starts
  waitHours: z.optional(z.number().check(z.positive())),
  // whether they are machines of a CodeBuild fleet instead
  fleet: z.optional(z.boolean()),
})

const Config = z.strictObject({
  github: z.strictObject({ api: Url, git: Url }),
  repositories: z.array(Repository).check(z.minLength(1)),
  upstreams: z._default(
    z.array(z.strictObject({ url: Url, publicKeys: z.array(PublicKey).check(z.minLength(1)) })),
    [],
  ),
  builders: z._default(z.record(SystemName, Builder), {
    'x86_64-linux': { machines: 10, slots: SLOTS, features: [] },
    'aarch64-linux': { machines: 10, slots: SLOTS, features: [] },
  }),
  // what reports reckon with, over AWS's list prices: USD for a minute of a machine, `LINUX_CONTAINER BUILD_GENERAL1_LARGE`, and for a GB and month of storage
  prices: z.optional(
    z.strictObject({
      minutes: z._default(z.record(z.string(), z.number().check(z.minimum(0))), {}),
      storage: z.optional(z.number().check(z.minimum(0))),
    }),
  ),
  // keys besides our own, whose public halves `hearth keys` keeps
  cache: z._default(z.strictObject({ publicKeys: z.array(PublicKey) }), { publicKeys: [] }),
  limits: z.strictObject({
    evaluation: z.strictObject({
      secondsPerSystem: z.number().check(z.int(), z.positive()),
      megabytes: z.number().check(z.int(), z.positive()),
    }),
    // 20 GB: twice CUDA, the largest of what companies build; Publish reads it in some two minutes.
    nar: z._default(z.strictObject({ gigabytes: z.number().check(z.positive()) }), { gigabytes: 20 }),
  }),
})

export type Config = z.output<typeof Config>
export type RepositoryConfig = Config['repositories'][number]
export type ScheduleConfig = RepositoryConfig['schedule']
export type Day = (typeof DAYS)[number]

/**
 * Checks a hearth.yml (YAML text) and returns it with its defaults.
 * @throws InvalidConfig naming every fault and where it stands
 */
export function parseConfig(text: string, file = 'hearth.yml'): Config {
  let document: unknown
  try {
    document = parse(text)
  } catch (error) {
    throw new InvalidConfig(`${file} is not YAML: ${error instanceof Error ? error.message : String(error)}`)
  }
  const parsed = z.safeParse(Config, document)
  if (!parsed.success) throw new InvalidConfig(`${file}:\n${explainFindings(parsed.error)}`)
  for (const { name, attributes, systems, privateInputs } of parsed.data.repositories) {
    const owner = name.slice(0, name.indexOf('/') + 1)
    const unreachable = privateInputs.find((input) => !input.toLowerCase().startsWith(owner.toLowerCase()))
    if (unreachable !== undefined)
      throw new InvalidConfig(
        `${file}: repositories: ${name}: privateInputs: ${unreachable} has another owner, and one token of a GitHub App reaches the repositories of one owner alone`,
      )
    const foreign = attributes.find((attribute) => !isForSomeSystem(attribute, systems))
    if (foreign !== undefined)
      throw new InvalidConfig(
        `${file}: repositories: ${name}: the attribute ${foreign} names a system that is none of ${systems.join(', ')}`,
      )
  }
  for (const [system, builder] of Object.entries(parsed.data.builders)) {
    const fault = faultOfFleet(system, builder)
    if (fault !== undefined) throw new InvalidConfig(`${file}: builders: ${system}: ${fault}`)
  }
  // to GitHub they are the same in capitals
  const names = parsed.data.repositories.map(({ name }) => name.toLowerCase())
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new InvalidConfig(`${file}: repositories: ${twice} is listed twice`)
  return parsed.data
}

/** CodeBuild's Macs are Apple's own processors only. Source: CodeBuild user guide, environment type MAC_ARM. */
export const FLEET_SYSTEM = 'aarch64-darwin'

function faultOfFleet(system: string, { fleet, waitHours }: Config['builders'][string]): string | undefined {
  if (fleet !== true) return undefined
  if (system !== FLEET_SYSTEM)
    return `CodeBuild has fleets of Macs for ${FLEET_SYSTEM} alone: take \`fleet\` out`
  if (waitHours === undefined) return undefined
  return 'the machines of a fleet are started, and nobody waits for one: take either `fleet` or `waitHours` out'
}
