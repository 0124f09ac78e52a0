import {
  AlertOutlined, ApartmentOutlined, ApiOutlined, AppstoreOutlined, AuditOutlined, BookOutlined, ClusterOutlined, DashboardOutlined,
  FieldTimeOutlined, ImportOutlined, KeyOutlined, LineChartOutlined, TeamOutlined, ToolOutlined,
} from '@ant-design/icons';
import type { ReactNode } from 'react';

/** Icon of a page by its id in the manifest. */
export const ICONS: Record<string, ReactNode> = {
  monitor: <DashboardOutlined />,
  trends: <LineChartOutlined />,
  alarms: <AlertOutlined />,
  orders: <ToolOutlined />,
  models: <ApartmentOutlined />,
  knowledge: <BookOutlined />,
  jobs: <FieldTimeOutlined />,
  sources: <ApiOutlined />,
  imports: <ImportOutlined />,
  system: <ClusterOutlined />,
  audit: <AuditOutlined />,
  users: <TeamOutlined />,
  tokens: <KeyOutlined />,
  app: <AppstoreOutlined />,
};
