import signalkit.runs.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ReceiverRun',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('run', models.BigIntegerField(help_text='What the rows of one run have in common.')),
                ('parent', models.BigIntegerField(help_text='The run that the event was sent in; empty outside of any.', null=True)),
                ('receiver', signalkit.runs.fields.ExactCharField(help_text='Its name.', max_length=200)),
                ('signal', models.CharField(max_length=100)),
                ('sender', models.CharField(blank=True, max_length=200)),
                ('object', signalkit.runs.fields.ExactCharField(blank=True, help_text='What the signal was about, as app.Model:pk.', max_length=200)),
                ('phase', models.CharField(choices=[('inline', 'inline'), ('before_commit', 'before commit'), ('after_commit', 'after commit'), ('after_rollback', 'after rollback'), ('durable', 'durable')], max_length=16)),
                ('outcome', models.CharField(choices=[('scheduled', 'scheduled'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('vetoed', 'vetoed'), ('rolled_back', 'rolled back'), ('skipped', 'skipped')], max_length=16)),
                ('attempt', models.PositiveSmallIntegerField(default=1)),
                ('started', models.DateTimeField(help_text='When it began, or was scheduled or skipped.')),
                ('duration', models.BigIntegerField(help_text='In microseconds; empty for what has not run.', null=True)),
                ('queries', models.IntegerField(help_text='Statements that it sent, on all databases; empty if it has not run.', null=True)),
                ('error', models.CharField(blank=True, help_text='The dotted type of its error.', max_length=200)),
                ('message', models.TextField(blank=True, help_text='What the error said, masked and cut short.')),
                ('traceback', models.TextField(blank=True, help_text='Where it was raised, without any values.')),
                ('actor_type', models.CharField(blank=True, max_length=100)),
                ('actor_id', models.CharField(blank=True, max_length=64)),
                ('actor_label', models.CharField(blank=True, max_length=150)),
                ('correlation', signalkit.runs.fields.ExactCharField(blank=True, max_length=64)),
                ('source', models.CharField(blank=True, max_length=16)),
                ('detail', models.CharField(blank=True, max_length=200)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('alias', models.CharField(blank=True, help_text='The database of its event.', max_length=64)),
            ],
            options={
                'verbose_name': 'receiver run',
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['receiver', 'id'], name='signalkit_run_receiver'), models.Index(fields=['object', 'id'], name='signalkit_run_object'), models.Index(fields=['correlation', 'id'], name='signalkit_run_correlation'), models.Index(fields=['run'], name='signalkit_run_run'), models.Index(fields=['outcome', 'id'], name='signalkit_run_outcome')],
            },
        ),
    ]
