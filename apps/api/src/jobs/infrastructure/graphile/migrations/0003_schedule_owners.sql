-- The jobs of the service that last registered a schedule. Services with other jobs may share the database,
-- and none of them may forget the schedules of another one.
create table :ORBIT_JOBS_SCHEMA.schedule_owners (
  identifier text primary key,
  jobs text[] not null
);
