import { openAwsClients } from '../../../builders/machine/aws-clients.ts'
import { readSettings } from '../../../builders/machine/settings.ts'
import { endInTwoSteps } from '../../../builders/serve/ending.ts'
import { worker } from '../../../builders/worker.ts'
import { HearthError } from '../../../functions/shared/errors.ts'
import type { Deployment } from '../deployment.ts'
import type { WorkerOptions } from './command.ts'

/** The systems that the deployment has activities for. */
export const SYSTEMS = ['aarch64-darwin', 'x86_64-darwin']

/** Neither given by `--system` nor known from the machine. */
export class NoSystem extends HearthError {
  override name = 'NoSystem'
}

/** The systems that a machine builds when nobody says otherwise: its own. */
export function ownSystems(platform: NodeJS.Platform, architecture: string): string[] {
  if (platform !== 'darwin')
    throw new NoSystem(
      `this is no Mac (${platform}): name what it builds, for example --system ${SYSTEMS[0]}`,
    )
  return [architecture === 'arm64' ? 'aarch64-darwin' : 'x86_64-darwin']
}

/** `hearth worker` */
export async function runWorker(
  { state, cacheBucket, stagingBucket, activity }: Deployment,
  { jobs, system, handBack = false }: WorkerOptions,
): Promise<void> {
  const systems = system.length > 0 ? system : ownSystems(process.platform, process.arch)
  const settings = readSettings({
    ...process.env,
    HEARTH_STATE_BUCKET: state.name,
    HEARTH_STAGING_BUCKET: stagingBucket,
    HEARTH_CACHE_BUCKET: cacheBucket,
  })
  const activities = new Map(systems.map((name) => [name, activity(name)]))
  const say = (line: string): void => console.log(line)
  await worker(openAwsClients(), settings, { activities, jobs }, say, endInTwoSteps(say, handBack))
  // whatever was broken off may still hold a connection
  process.exit(0)
}
