import { S3Client } from '@aws-sdk/client-s3'
import { parseArgs } from 'node:util'
import { describeError } from '../functions/shared/errors.ts'
import { stagingPrefix } from '../functions/shared/keys.ts'
import { startBridge } from './bridge.ts'
import { evaluate } from './evaluate.ts'
import { RepositoryAccess } from './evaluation/repository-access.ts'
import { openAwsClients } from './machine/aws-clients.ts'
import { MissingSetting } from './machine/errors.ts'
import { readEvaluationJob } from './machine/job.ts'
import { cleanEnvironment } from './machine/nix-command.ts'
import { stopAllProcesses } from './machine/processes.ts'
import { Redaction } from './machine/redaction.ts'
import { readCacheBucket, readJobKey, readSettings, readTokenSettings } from './machine/settings.ts'
import { whoAmI } from './machine/staging.ts'
import { makeWorkFolder } from './machine/work-folder.ts'
import { endBySignal, endInTwoSteps, statusOf } from './serve/ending.ts'
import { work } from './work.ts'
import { worker } from './worker.ts'

const USAGE = `Usage: node builder.mjs evaluate     evaluates the target of the job HEARTH_JOB
       node builder.mjs work         builds the batches that this machine is given, one after the other
       node builder.mjs worker --activity <system>=<ARN> … [--jobs N] [--hand-back]
                                     builds the batches of activities of Step Functions, until it is stopped
       node builder.mjs bridge [--port N]
                                     serves the cache bucket to Nix on this machine, until it is stopped`

const redaction = new Redaction()
const say = (line: string): void => console.log(redaction.of(line))

async function runEvaluation(): Promise<void> {
  const settings = readSettings(process.env)
  const { stateBucket, stagingBucket } = settings
  const key = readJobKey(process.env)
  const tokens = readTokenSettings(process.env)
  const { s3, sts, lambda } = openAwsClients()
  const folder = makeWorkFolder()
  const stop = (signal: NodeJS.Signals): void => {
    say(`stopped by ${signal}`)
    void stopAllProcesses().finally(() => {
      folder.remove()
      process.exit(statusOf(signal))
    })
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  try {
    const environment = cleanEnvironment(folder.home, process.env)
    const job = await readEvaluationJob({ s3, bucket: stateBucket, key })
    const staging = { s3, bucket: stagingBucket, prefix: stagingPrefix(await whoAmI(sts)) }
    const desk = tokens === undefined ? undefined : { ...tokens, lambda, staging }
    const access = new RepositoryAccess(job, { desk, folder: folder.path, redaction, say })
    await evaluate(job, { ...settings, staging, folder, environment, say, s3, access, redaction })
  } finally {
    folder.remove()
  }
}

async function runMachine(): Promise<void> {
  await work(openAwsClients(), readSettings(process.env), say, endBySignal(say))
}

async function runWorker(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      activity: { type: 'string', multiple: true, default: [] },
      jobs: { type: 'string', default: '1' },
      'hand-back': { type: 'boolean', default: false },
    },
  })
  const activities = new Map(values.activity.map(parseActivity))
  if (activities.size === 0) throw new MissingSetting('a worker needs an --activity')
  const plan = { activities, jobs: positive('--jobs', values.jobs) }
  await worker(
    openAwsClients(),
    readSettings(process.env),
    plan,
    say,
    endInTwoSteps(say, values['hand-back']),
  )
}

/** `<system>=<ARN>` */
function parseActivity(text: string): [string, string] {
  const [, system, arn] = /^([\w-]+)=(arn:.+)$/.exec(text) ?? []
  if (system === undefined || arn === undefined)
    throw new RangeError(`--activity ${text}: expected <system>=<ARN of the activity>`)
  return [system, arn]
}

function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new RangeError(`${name} ${text}: expected a number from 1 to 999`)
  return Number(text)
}

async function bridge(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { port: { type: 'string', default: '0' } } })
  const port = Number(values.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`--port ${values.port} is no port`)
  const started = await startBridge({
    s3: new S3Client({}),
    bucket: readCacheBucket(process.env),
    port,
  })
  say(`serving the cache at ${started.url}; in nix.conf:`)
  say(`  extra-substituters = ${started.url}`)
  say('  extra-trusted-public-keys = <the public key of your cache>')
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
  await started.close()
}

const [command, ...args] = process.argv.slice(2)
try {
  if (command === 'evaluate') await runEvaluation()
  else if (command === 'work' || command === 'worker') {
    await (command === 'work' ? runMachine() : runWorker(args))
    // whatever was broken off may still hold a connection
    process.exit()
  } else if (command === 'bridge') await bridge(args)
  else {
    console.error(USAGE)
    process.exitCode = 2
  }
} catch (error) {
  const { name, message } = describeError(error)
  console.error(redaction.of(`${name}: ${message}`))
  process.exit(1)
}
