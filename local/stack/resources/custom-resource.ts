import * as z from 'zod/mini'
import { resourceType, wholeNumber } from '../resource-type.ts'

/** How long CloudFormation waits for a custom resource unless ServiceTimeout says otherwise, in seconds. Source: CloudFormation user guide. */
const LONGEST = 3600

/** Custom::*: a function of the template does what CloudFormation cannot. */
export function customResource(type: string): ReturnType<typeof resourceType> {
  return resourceType(
    z.looseObject({ ServiceToken: z.string(), ServiceTimeout: z._default(wholeNumber, LONGEST) }),
    (logicalId, { ServiceToken, ServiceTimeout, ...properties }, world) =>
      world.customResources.request({
        logicalId,
        type,
        serviceToken: ServiceToken,
        timeoutSeconds: ServiceTimeout,
        properties: { ServiceToken, ...properties },
      }),
  )
}
