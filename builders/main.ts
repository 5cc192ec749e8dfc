import { S3Client } from '@aws-sdk/client-s3'
import { STSClient } from '@aws-sdk/client-sts'
import { parseArgs } from 'node:util'
import { describeError } from '../functions/shared/errors.ts'
import { startBridge } from './bridge.ts'
import { build } from './build.ts'
import { evaluate } from './evaluate.ts'
import { readBuildJob, readEvaluationJob } from './machine/job.ts'
import { cleanEnvironment } from './machine/nix-command.ts'
import { stopAllProcesses } from './machine/processes.ts'
import { readCacheBucket, readSettings } from './machine/settings.ts'
import { openStaging } from './machine/staging.ts'
import { makeWorkFolder } from './machine/work-folder.ts'

const USAGE = `Usage: node builder.mjs evaluate     evaluates the target of the job HEARTH_JOB
       node builder.mjs build        builds the batch of the job HEARTH_JOB
       node builder.mjs bridge [--port N]
                                     serves the cache bucket to Nix on this machine, until it is stopped`

const say = (line: string): void => console.log(line)

async function work(command: 'evaluate' | 'build'): Promise<void> {
  const settings = readSettings(process.env)
  const s3 = new S3Client({})
  const jobFile = { s3, bucket: settings.stateBucket, key: settings.job }
  const folder = makeWorkFolder()
  const stop = (signal: NodeJS.Signals): void => {
    say(`stopped by ${signal}`)
    void stopAllProcesses().finally(() => {
      folder.remove()
      // 128 + the signal's number, as a shell reports it
      process.exit(signal === 'SIGINT' ? 130 : 143)
    })
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  try {
    const environment = cleanEnvironment(folder.home, process.env)
    const openWorkshop = async () => ({
      staging: await openStaging(s3, new STSClient({}), settings.stagingBucket),
      folder,
      environment,
      say,
    })
    if (command === 'evaluate') {
      const job = await readEvaluationJob(jobFile)
      await evaluate(job, { ...settings, ...(await openWorkshop()), s3 })
    } else {
      const job = await readBuildJob(jobFile)
      await build(job, { ...settings, ...(await openWorkshop()), s3 })
    }
  } finally {
    folder.remove()
  }
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
  if (command === 'evaluate' || command === 'build') await work(command)
  else if (command === 'bridge') await bridge(args)
  else {
    console.error(USAGE)
    process.exitCode = 2
  }
} catch (error) {
  const { name, message } = describeError(error)
  console.error(`${name}: ${message}`)
  process.exitCode = 1
}
