import { AlertOutlined, AppstoreOutlined, ClusterOutlined, DashboardOutlined, LineChartOutlined } from '@ant-design/icons';
import type { ReactNode } from 'react';

/** Icon of a page by its id in the manifest. */
export const ICONS: Record<string, ReactNode> = {
  monitor: <DashboardOutlined />,
  trends: <LineChartOutlined />,
  alarms: <AlertOutlined />,
  system: <ClusterOutlined />,
  app: <AppstoreOutlined />,
};
