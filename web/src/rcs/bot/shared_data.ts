/** What the user agreed to tell about the device (`application/vnd.gsma.botsharedclientdata.v1.0+json`). */

export interface DeviceSpecifics {
  /** At most 10 characters. */
  readonly deviceModel: string;
  /** At most 20 characters. */
  readonly platformVersion: string;
  /** At most 4 characters. */
  readonly clientVendor: string;
  /** At most 15 characters. */
  readonly clientVersion: string;
  /** Absent when unknown. */
  readonly batteryRemainingMinutes?: number | undefined;
}

export function writeSharedData(device: DeviceSpecifics): string {
  const cut = (value: string, max: number) => [...value].slice(0, max).join('');
  return JSON.stringify({
    sharedData: {
      deviceSpecifics: {
        deviceModel: cut(device.deviceModel, 10),
        platformVersion: cut(device.platformVersion, 20),
        clientVendor: cut(device.clientVendor, 4),
        clientVersion: cut(device.clientVersion, 15),
        ...(device.batteryRemainingMinutes === undefined
          ? {}
          : { batteryRemainingMinutes: Math.max(0, Math.round(device.batteryRemainingMinutes)) }),
      },
    },
  });
}
