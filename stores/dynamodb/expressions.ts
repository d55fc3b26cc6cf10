import type { SessionRecord, SessionTimes } from "../../src/record.ts";
import { toSeconds } from "./item.ts";
import type { DynamoDbConditionLike } from "./like.ts";

// Names of attributes are always behind placeholders: many are reserved words, and the table may have others.

/** That a key holds no live record. */
export function isFree(now: number): DynamoDbConditionLike {
  return {
    ConditionExpression: "attribute_not_exists(#expiresAt) OR #expiresAt <= :now",
    ExpressionAttributeNames: { "#expiresAt": "expiresAt" },
    ExpressionAttributeValues: { ":now": now },
  };
}

/** That a key holds the live record that was read. */
export function isStill({ version }: SessionRecord, now: number): DynamoDbConditionLike {
  return {
    ConditionExpression: "#version = :version AND #expiresAt > :now",
    ExpressionAttributeNames: { "#version": "version", "#expiresAt": "expiresAt" },
    ExpressionAttributeValues: { ":version": version, ":now": now },
  };
}

/** The change to other times, under a condition. */
export function changeOf(
  { lastSeenAt, renewedAt, expiresAt }: SessionTimes,
  expiresAttr: string,
  condition: DynamoDbConditionLike,
): DynamoDbConditionLike & { UpdateExpression: string } {
  return {
    ...condition,
    UpdateExpression: "SET #lastSeenAt = :lastSeenAt, #renewedAt = :renewedAt, " +
      "#expiresAt = :expiresAt, #expires = :expires",
    ExpressionAttributeNames: {
      ...condition.ExpressionAttributeNames,
      "#lastSeenAt": "lastSeenAt",
      "#renewedAt": "renewedAt",
      "#expiresAt": "expiresAt",
      "#expires": expiresAttr,
    },
    ExpressionAttributeValues: {
      ...condition.ExpressionAttributeValues,
      ":lastSeenAt": lastSeenAt,
      ":renewedAt": renewedAt,
      ":expiresAt": expiresAt,
      ":expires": toSeconds(expiresAt),
    },
  };
}
