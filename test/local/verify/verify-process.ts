import { S3Client } from '@aws-sdk/client-s3'
import { currentConfig } from '../../../functions/shared/config.ts'
import { currentKeys } from '../../../functions/shared/verification/current-keys.ts'
import { Inventory } from '../../../scripts/hearth/verify/inventory.ts'
import { showProgress } from '../../../scripts/hearth/verify/progress.ts'
import { verifyCache } from '../../../scripts/hearth/verify/verify-cache.ts'

/** Verification as a process of its own, whose memory can be measured: endpoint, cache bucket, state bucket. Prints JSON. */
const [endpoint = '', cache = '', stateName = ''] = process.argv.slice(2)
const s3 = new S3Client({ endpoint, forcePathStyle: true })
const state = { s3, name: stateName }
const { config } = await currentConfig(state)
const inventory = new Inventory()
const began = performance.now()
const counts = await verifyCache(inventory, {
  cache: { s3, name: cache },
  state,
  upstreams: config.upstreams,
  keys: await currentKeys(state),
  content: false,
  progress: showProgress(process.stderr),
})
const seconds = (performance.now() - began) / 1000
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage()
console.log(
  JSON.stringify({
    counts,
    faults: inventory.faultCounts(),
    seconds: Math.round(seconds),
    cpuSeconds: Math.round((userCPUTime + systemCPUTime) / 1e6),
    // kilobytes on Linux. Source: getrusage(2)
    mebibytes: Math.round(maxRSS / 1024),
    fileMebibytes: Math.round(
      (inventory.count('SELECT page_count FROM pragma_page_count') *
        inventory.count('SELECT page_size FROM pragma_page_size')) /
        1024 ** 2,
    ),
  }),
)
inventory.close()
