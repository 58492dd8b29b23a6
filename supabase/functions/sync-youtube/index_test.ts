import { testSyncFunction } from "../_shared/testing/sync_contract.ts";

testSyncFunction("youtube", () => import("./index.ts"));
